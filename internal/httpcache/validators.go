package httpcache

import (
	"net/http"
	"strings"
	"time"
)

// strongAfter is how much older than Date a Last-Modified has to be, for a cache to take it for a
// strong validator. RFC 9110 §8.8.2.2 asks for a second if both are known to come from one clock. A
// cache doesn't know that: there may be a file server behind the origin. It then needs "enough
// difference" to make differing clocks unlikely.
const strongAfter = 60 * time.Second

// StrongLastModified returns Last-Modified if it is a strong validator (RFC 9110 §8.8.2.2), or "":
// one that can't have been followed by another modification in the same second before the response
// was made.
func StrongLastModified(h http.Header) string {
	if lead, ok := modifiedBefore(h); !ok || lead < strongAfter {
		return ""
	}
	return lastModified(h)
}

// modifiedBefore returns how long before Date the Last-Modified is, if there are both.
func modifiedBefore(h http.Header) (lead time.Duration, ok bool) {
	modified, ok := parseDate(single(h, "Last-Modified"), time.Time{})
	date, dated := httpDate(h, "Date", time.Time{})
	return date.Sub(modified), ok && dated
}

// hasValidator reports whether there is something to make a request conditional on, once it is
// Settled.
func hasValidator(h http.Header) bool {
	return entityTag(h) != "" || lastModified(h) != ""
}

// Validatable reports whether the origin can be asked whether the stored response is still good.
func Validatable(stored http.Header) bool { return hasValidator(stored) && Settled(stored) }

// Settled reports whether the stored response's validators distinguish its content from what may
// have followed it. A file that is modified again in the second of its Last-Modified has the same
// Last-Modified, and servers make entity tags of that time and the size, so both are weak unless
// the response was made at least a second later (RFC 9110 §8.8.2.2). Neither can confirm a response
// that was made earlier, or name its bytes.
func Settled(stored http.Header) bool {
	lead, ok := modifiedBefore(stored)
	return !ok || lead >= time.Second
}

// lastModified returns Last-Modified if it is an HTTP-date, in the origin's own spelling (RFC 9110
// §13.1.3).
func lastModified(h http.Header) string {
	value := single(h, "Last-Modified")
	if _, ok := parseDate(value, time.Time{}); !ok {
		return ""
	}
	return value
}

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
