package httpcache

import (
	"net/http"
	"strings"
)

// StrongETag returns the entity tag if it is a strong validator (RFC 9110 §8.8.1), or "".
func StrongETag(h http.Header) string {
	if tag := entityTag(h); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return ""
}

// entityTag returns the ETag if it is an entity tag (RFC 9110 §8.8.3). Anything else isn't sent
// back: with "*" in If-None-Match the origin would confirm any representation.
func entityTag(h http.Header) string {
	value := single(h, "Etag")
	if tag, _ := cutEntityTag(value); tag != value {
		return ""
	}
	return value
}

// cutEntityTag cuts the entity tag off the beginning of s (RFC 9110 §8.8.3). Both results are empty
// if there is none.
//
//	entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE
func cutEntityTag(s string) (tag, rest string) {
	opaque, opened := strings.CutPrefix(strings.TrimPrefix(s, "W/"), `"`)
	inner, rest, closed := strings.Cut(opaque, `"`)
	control := func(c rune) bool { return c <= ' ' || c == 0x7f }
	if !opened || !closed || strings.ContainsFunc(inner, control) {
		return "", ""
	}
	return s[:len(s)-len(rest)], rest
}

// strongMatch is the strong comparison of RFC 9110 §8.8.3.2.
func strongMatch(a, b string) bool { return a == b && a != "" && a[0] == '"' }

// weakMatch is the weak comparison of RFC 9110 §8.8.3.2.
func weakMatch(a, b string) bool {
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/") && a != ""
}
