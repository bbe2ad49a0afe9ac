package httpcache

import (
	"iter"
	"net/http"
	"strings"
)

// Members yields the non-empty members of a list-based field without quoted strings (RFC 9110
// §5.6.1).
func Members(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for member := range strings.SplitSeq(line, ",") {
				if member = trimOWS(member); member != "" && !yield(member) {
					return
				}
			}
		}
	}
}

// first returns the first line of the field, or "". The name must be canonical.
func first(h http.Header, name string) string {
	if lines := h[name]; len(lines) > 0 {
		return lines[0]
	}
	return ""
}

// single returns the value of a field that may occur once. Lines that repeat it are tolerated; if
// lines contradict each other, the field counts as absent.
func single(h http.Header, name string) string {
	value := first(h, name)
	for _, line := range h[name] {
		if line != value {
			return ""
		}
	}
	return value
}

// trimOWS removes optional whitespace from both ends (RFC 9110 §5.6.3). It is done for each member
// of a field, where strings.Trim takes longer.
func trimOWS(s string) string {
	for s != "" && isOWS(s[0]) {
		s = s[1:]
	}
	for s != "" && isOWS(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isOWS(c byte) bool { return c == ' ' || c == '\t' }

// digits reads 1*DIGIT, clamped to limit. A sign, a fraction or an empty string isn't a number.
func digits(s string, limit int64) (n int64, ok bool) {
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		if n > (limit-int64(c))/10 {
			n = limit // and stays there: limit exceeds (limit-c)/10 for every limit of ours
			continue
		}
		n = n*10 + int64(c)
	}
	return n, s != ""
}

// IsToken reports whether s is a token (RFC 9110 §5.6.2).
func IsToken(s string) bool { return consistsOf(s, "!#$%&'*+-.^_`|~") }

// consistsOf reports whether s has letters, digits and other characters only, one at least.
func consistsOf(s, others string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && strings.IndexByte(others, s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= lower(c) && lower(c) <= 'z' || '0' <= c && c <= '9'
}

// cutPrefixFold is strings.CutPrefix without regard to case.
func cutPrefixFold(s, prefix string) (after string, found bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// equalFold reports whether s is the ASCII string a but for case. No other character of the same
// length folds to one of ASCII.
func equalFold(s, a string) bool { return len(s) == len(a) && strings.EqualFold(s, a) }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}

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
