package httpcache

// appendNormalized appends the lines, of which there is one at least, joined by commas, without
// whitespace at the ends or around commas that are outside of quoted strings.
func appendNormalized(dst []byte, lines []string) []byte {
	member := ""
	for _, line := range lines {
		for more := true; more; {
			member, line, more = cutMember(line)
			dst = append(append(dst, trimOWS(member)...), ',')
		}
	}
	return dst[:len(dst)-1]
}

// cutMember cuts line at the first comma outside of quoted strings.
func cutMember(line string) (member, rest string, more bool) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quoted:
			i++ // whatever the next one is
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return line[:i], line[i+1:], true
		}
	}
	return line, "", false
}
