package httpcache

import (
	"net/http"
	"strings"
	"time"
)

// Outcome is what a request's preconditions come to.
type Outcome int

const (
	// Proceed: answer as if there were no preconditions.
	Proceed Outcome = iota

	// NotModified: answer 304.
	NotModified

	// PreconditionFailed: answer 412.
	PreconditionFailed
)

// condition is what one conditional field comes to.
type condition int8

const (
	absent condition = iota // not sent, or to be ignored
	holds
	fails
)

// Preconditions evaluates a request's preconditions against the header of a stored 200 in the order
// of RFC 9110 §13.2.2, and decides whether a Range is to be honoured. Its answers to GET and HEAD
// are those of http.ServeContent for a file with the stored ETag and Last-Modified, with these
// exceptions, which the RFC asks for: several lines of a field are one list (§5.3), Range means
// nothing in a HEAD (§14.2), a date in If-Range has to be a strong validator (§13.1.5), and Date
// stands in for a missing Last-Modified (RFC 9111 §4.3.2).
//
// Strictly, If-Match and If-Unmodified-Since are for an origin (RFC 9111 §4.3.2). They are
// evaluated here because a client that sends them with GET wants a 412 rather than the bytes of
// another representation, and would get it from the origin as well.
//
// It allocates nothing unless a date in the request is malformed.
func Preconditions(method string, request, stored http.Header) (o Outcome, ranges bool) {
	reads := method == http.MethodGet || method == http.MethodHead

	// Steps 1 and 2: If-Unmodified-Since counts only without If-Match.
	c := ifMatch(request, stored)
	if c == absent {
		c = ifUnmodifiedSince(request, stored)
	}
	if c == fails {
		return PreconditionFailed, false
	}

	// Steps 3 and 4: If-Modified-Since counts only without If-None-Match, and for GET and HEAD.
	c = ifNoneMatch(request, stored)
	if c == absent && reads {
		c = ifModifiedSince(request, stored)
	}
	if c == fails {
		if reads {
			return NotModified, false
		}
		return PreconditionFailed, false
	}

	// Step 5.
	if method != http.MethodGet || first(request, "Range") == "" {
		return Proceed, false
	}
	return Proceed, ifRange(request, stored) != fails
}

// Conditional reports whether the header of a request has preconditions (RFC 9110 §13.1). If not,
// Preconditions needs no stored header.
func Conditional(request http.Header) bool {
	for _, name := range [...]string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"} {
		if len(request[name]) > 0 {
			return true
		}
	}
	return false
}

// ifMatch covers RFC 9110 §13.1.1, with strong comparison.
func ifMatch(request, stored http.Header) condition {
	lines := request["If-Match"]
	if !anyValue(lines) {
		return absent
	}
	if listed(lines, first(stored, "Etag"), strongMatch) {
		return holds
	}
	return fails
}

// ifNoneMatch covers RFC 9110 §13.1.2, with weak comparison.
func ifNoneMatch(request, stored http.Header) condition {
	lines := request["If-None-Match"]
	if !anyValue(lines) {
		return absent
	}
	if listed(lines, first(stored, "Etag"), weakMatch) {
		return fails
	}
	return holds
}

// ifModifiedSince covers RFC 9110 §13.1.3.
func ifModifiedSince(request, stored http.Header) condition {
	switch after, ok := modifiedAfter(request, "If-Modified-Since", stored); {
	case !ok:
		return absent
	case after:
		return holds
	}
	return fails
}

// ifUnmodifiedSince covers RFC 9110 §13.1.4.
func ifUnmodifiedSince(request, stored http.Header) condition {
	switch after, ok := modifiedAfter(request, "If-Unmodified-Since", stored); {
	case !ok:
		return absent
	case after:
		return fails
	}
	return holds
}

// modifiedAfter reports whether the stored response is younger than the date in that field. An
// invalid date, or a stored response without one, makes the field void.
func modifiedAfter(request http.Header, field string, stored http.Header) (after, ok bool) {
	date, ok := httpDate(request, field, time.Time{})
	if !ok {
		return false, false
	}
	modified, ok := modificationTime(stored)
	if len(stored["Last-Modified"]) == 0 && field == "If-Modified-Since" {
		// RFC 9111 §4.3.2: what wasn't generated after that date wasn't modified after it.
		modified, ok = httpDate(stored, "Date", time.Time{})
	}
	return ok && modified.After(date), ok
}

// ifRange covers RFC 9110 §13.1.5. Unlike the others it fails if it can't be evaluated: the client
// then gets everything, which is never wrong.
func ifRange(request, stored http.Header) condition {
	value := first(request, "If-Range")
	if value == "" {
		return absent
	}
	if tag, _ := cutEntityTag(trimOWS(value)); tag != "" {
		if strongMatch(tag, first(stored, "Etag")) {
			return holds
		}
		return fails
	}
	strong, ok := StrongLastModified(stored)
	if !ok {
		return fails
	}
	// It "exactly matches", neither before nor after, in whichever of the three date formats.
	modified, _ := parseDate(strong, time.Time{})
	if t, ok := parseDate(value, time.Time{}); !ok || t.Unix() != modified.Unix() {
		return fails
	}
	return holds
}

// modificationTime returns Last-Modified. The Unix epoch is what servers say that don't know, and
// counts as unknown.
func modificationTime(stored http.Header) (time.Time, bool) {
	t, ok := httpDate(stored, "Last-Modified", time.Time{})
	return t.Truncate(time.Second), ok && t.Unix() != 0
}

func anyValue(lines []string) bool {
	for _, line := range lines {
		if line != "" {
			return true
		}
	}
	return false
}

// listed reports whether a list of entity tags has a member that matches the tag, or "*", which any
// stored response matches. What follows a malformed member of a line isn't considered.
func listed(lines []string, tag string, match func(a, b string) bool) bool {
	for _, rest := range lines {
		for rest = trimOWS(rest); rest != ""; rest = trimOWS(rest) {
			if rest[0] == ',' {
				rest = rest[1:]
				continue
			}
			if rest[0] == '*' {
				return true
			}
			var member string
			if member, rest = cutEntityTag(rest); member != "" && match(member, tag) {
				return true
			}
		}
	}
	return false
}

// cutEntityTag cuts the entity tag off the beginning of s (RFC 9110 §8.8.3). Both results are empty
// if there is none.
//
//	entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE
func cutEntityTag(s string) (tag, rest string) {
	opaque := strings.TrimPrefix(s, "W/")
	if opaque == "" || opaque[0] != '"' {
		return "", ""
	}
	for i := len(s) - len(opaque) + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[:i+1], s[i+1:]
		case c <= ' ', c == 0x7f:
			return "", ""
		}
	}
	return "", ""
}

// strongMatch is the strong comparison of RFC 9110 §8.8.3.2.
func strongMatch(a, b string) bool { return a == b && a != "" && a[0] == '"' }

// weakMatch is the weak comparison of RFC 9110 §8.8.3.2.
func weakMatch(a, b string) bool {
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/") && a != ""
}
