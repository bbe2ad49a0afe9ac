package httpcache

import (
	"cmp"
	"net/http"
	"strings"
)

// Members yields the non-empty members of a list-based field without quoted strings (RFC 9110
// §5.6.1).
func Members(lines []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for more := true; more; {
				var member string
				member, line, more = strings.Cut(line, ",")
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

// single returns the value of a field that may occur once. Lines that repeat it are tolerated;
// lines that contradict each other are as good as none.
func single(h http.Header, name string) string {
	lines := h[name]
	for i := 1; i < len(lines); i++ {
		if lines[i] != lines[0] {
			return ""
		}
	}
	return first(h, name)
}

// trimOWS removes optional whitespace from both ends (RFC 9110 §5.6.3).
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
func IsToken(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '!', c == '#', c == '$', c == '%', c == '&', c == '\'', c == '*', c == '+',
			c == '-', c == '.', c == '^', c == '_', c == '`', c == '|', c == '~':
		default:
			return false
		}
	}
	return s != ""
}

// cutPrefixFold is strings.CutPrefix without regard to case.
func cutPrefixFold(s, prefix string) (after string, found bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// compareFold compares ASCII strings without regard to case.
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if c := cmp.Compare(lower(a[i]), lower(b[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}
