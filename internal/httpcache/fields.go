package httpcache

import (
	"net/http"
	"strings"
)

// EndToEnd returns a copy of h without the fields that concern one connection only: those in RFC
// 9110 §7.6.1, those that Connection names, and the proxy's own fields that RFC 9111 §3.1 excepts
// from storage. The copy shares no slice with h.
func EndToEnd(h http.Header) http.Header {
	out := make(http.Header, len(h))
	total := 0
	for _, values := range h {
		total += len(values)
	}
	backing := make([]string, 0, total)
	for name, values := range h {
		if hopByHop(name) {
			continue
		}
		start := len(backing)
		backing = append(backing, values...)
		out[name] = backing[start:len(backing):len(backing)]
	}
	// RFC 9110 §7.6.1: "remove any header or trailer field(s) from the message with the same name
	// as the connection-option". Deleting by name is linear in the options, whatever their number.
	for option := range members(h["Connection"]) {
		delete(out, http.CanonicalHeaderKey(option))
	}
	return out
}

// Trailer returns a copy of trailer fields without those that mean nothing there, or would be taken
// for more than they are (RFC 9110 §6.5.1): what frames, routes or describes the content, and what
// controls caches, authenticates or sets cookies.
func Trailer(h http.Header) http.Header {
	out := EndToEnd(h)
	for _, name := range [...]string{
		"Age", "Authorization", "Cache-Control", "Cdn-Cache-Control", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Date",
		"Expires", "Host", "Location", "Retry-After", "Set-Cookie", "Vary", "Warning", "Www-Authenticate",
	} {
		delete(out, name)
	}
	return out
}

func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade": // RFC 9110 §7.6.1
		return true
	case "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization": // RFC 9111 §3.1
		return true
	}
	return false
}

// members yields the non-empty members of a list-based field without quoted strings (RFC 9110
// §5.6.1).
func members(lines []string) func(yield func(string) bool) {
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
