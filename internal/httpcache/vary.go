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
	for member := range Members(h["Vary"]) {
		if !IsToken(member) || member == "*" {
			return nil, true
		}
		names = append(names, http.CanonicalHeaderKey(member))
	}
	slices.Sort(names)
	return slices.Compact(names), false
}

// Selecting returns a string that stands for the values of a request's selecting fields (RFC 9111
// §4.1): two requests select the same variant if and only if their strings for the same names are
// equal. Several lines of a field equal one line with commas, whitespace around commas doesn't
// count, an absent field differs from an empty one. Accept-Encoding and Accept-Language are
// compared by what they mean.
//
// The request header has to be the one that is sent to the origin, without hop-by-hop fields.
// Otherwise a client could have a field counted here that the origin never saw, and its response
// stored for clients that do send that field.
func Selecting(names []string, request http.Header) string {
	if len(names) == 0 {
		return ""
	}
	out, value := make([]byte, 0, 256), make([]byte, 0, 128)
	for _, name := range names {
		// name ";" or name "=" length ":" value ";". Neither "=" nor ";" occurs in a name, and the
		// length keeps a value from posing as another field.
		out = append(out, name...)
		if lines := request[name]; len(lines) > 0 {
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
