package httpcache

import "bytes"

// appendNormalized appends the lines joined by commas, without whitespace at the ends or around
// commas that are outside of quoted strings.
func appendNormalized(dst []byte, lines []string) []byte {
	for i, line := range lines {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendLine(dst, line)
	}
	return dst
}

func appendLine(dst []byte, line string) []byte {
	start := len(dst) // of the current member: whitespace before it is skipped, after it cut off
	quoted := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted && c == '\\' && i+1 < len(line):
			dst = append(dst, c)
			i++
			c = line[i]
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			dst = append(cutOWS(dst, start), ',')
			start = len(dst)
			continue
		case isOWS(rune(c)) && len(dst) == start:
			continue
		}
		dst = append(dst, c)
	}
	return cutOWS(dst, start)
}

// cutOWS cuts whitespace off the end of b, down to start.
func cutOWS(b []byte, start int) []byte {
	return b[:start+len(bytes.TrimRightFunc(b[start:], isOWS))]
}
