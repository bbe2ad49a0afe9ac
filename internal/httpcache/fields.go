package httpcache

import "net/http"

// EndToEnd returns a copy of h without the fields that concern one connection only: those in RFC
// 9110 §7.6.1, those that Connection names, and the proxy's own fields that RFC 9111 §3.1 excepts
// from storage. The copy shares no slice with h.
func EndToEnd(h http.Header) http.Header {
	out := h.Clone()
	if out == nil {
		return http.Header{}
	}
	for _, name := range hopByHop {
		delete(out, name)
	}
	// RFC 9110 §7.6.1: "remove any header or trailer field(s) from the message with the same name
	// as the connection-option". Deleting by name is linear in the options, whatever their number.
	for option := range Members(h["Connection"]) {
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
		"Age", "Authorization", "Cache-Control", "Cdn-Cache-Control", "Content-Encoding",
		"Content-Length", "Content-Range", "Content-Type", "Date", "Expires", "Host", "Location",
		"Retry-After", "Set-Cookie", "Vary", "Warning", "Www-Authenticate",
	} {
		delete(out, name)
	}
	return out
}

var hopByHop = [...]string{
	// RFC 9110 §7.6.1
	"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	// RFC 9111 §3.1
	"Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
}
