package httpcache

import (
	"net/http"
	"slices"
	"strconv"
)

// VaryNames returns the names of the request fields that selected the response (RFC 9110 §12.5.5):
// canonical, sorted, each once. If star is set the response depends on more than request fields,
// and names is nil. A member that isn't a field name can't be looked up in a request, so it counts
// as a star.
func VaryNames(h http.Header) (names []string, star bool) {
	for member := range members(h["Vary"]) {
		if !isToken(member) || member == "*" {
			return nil, true
		}
		names = append(names, http.CanonicalHeaderKey(member))
	}
	slices.Sort(names)
	return slices.Compact(names), false
}

// isToken reports whether a non-empty s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '!', c == '#', c == '$', c == '%', c == '&', c == '\'', c == '*', c == '+', c == '-', c == '.',
			c == '^', c == '_', c == '`', c == '|', c == '~':
		default:
			return false
		}
	}
	return true
}

// Selecting returns a string that stands for the values of a request's selecting fields (RFC 9111 §4.1): two requests
// select the same variant if and only if their strings for the same names are equal. Several lines of a field equal
// one line with commas, whitespace around commas doesn't count, an absent field differs from an empty one. What mustn't
// make a difference in Accept-Encoding and Accept-Language, doesn't.
//
// The request header has to be the one that is sent to the origin, without hop-by-hop fields. Otherwise a client could
// have a field counted here that the origin never saw, and its answer stored for those who do send that field.
func Selecting(names []string, request http.Header) string {
	if len(names) == 0 {
		return ""
	}
	out, value := make([]byte, 0, 256), make([]byte, 0, 128)
	for _, name := range names {
		// name ";" or name "=" length ":" value ";". Neither "=" nor ";" occurs in a name, and the length keeps
		// a value from posing as another field.
		out = append(out, name...)
		if lines, present := request[name]; present && len(lines) > 0 {
			switch name {
			case "Accept-Encoding":
				value = appendAcceptEncoding(value[:0], lines)
			case "Accept-Language":
				value = appendAcceptLanguage(value[:0], lines)
			default:
				value = appendNormalized(value[:0], lines)
			}
			out = append(out, '=')
			out = strconv.AppendInt(out, int64(len(value)), 10)
			out = append(out, ':')
			out = append(out, value...)
		}
		out = append(out, ';')
	}
	return string(out)
}

// appendNormalized appends the lines joined by commas, without whitespace at the ends or around commas that are outside
// of quoted strings.
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
		case isOWS(c) && len(dst) == start:
			continue
		}
		dst = append(dst, c)
	}
	return cutOWS(dst, start)
}

// cutOWS cuts whitespace off the end of b, down to start.
func cutOWS(b []byte, start int) []byte {
	for len(b) > start && isOWS(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}
