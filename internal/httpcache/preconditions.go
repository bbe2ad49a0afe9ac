package httpcache

import (
	"net/http"
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
// of RFC 9110 §13.2.2, and decides whether a Range is to be honoured. Its results for GET and HEAD
// are those of http.ServeContent for a file with the stored ETag and Last-Modified, with these
// exceptions, which the RFC asks for: several lines of a field are one list (§5.3), which is
// malformed where only one member is allowed; Range means nothing in a HEAD (§14.2); If-Range has
// to be one validator and no more, and strong if it is a date (§13.1.5); and Date stands in for a
// missing Last-Modified (RFC 9111 §4.3.2).
//
// Strictly, If-Match and If-Unmodified-Since are for an origin (RFC 9111 §4.3.2). They are
// evaluated here because a client that sends them with GET prefers a 412 to another representation,
// and would get it from the origin as well.
//
// It allocates nothing unless a date in the request is malformed.
func Preconditions(method string, request, stored http.Header) (o Outcome, ranges bool) {
	return evaluate(method, request, stored, hasStrongLastModified)
}

// OriginPreconditions is Preconditions at an origin, against the header of the representation as it
// is now. The origin itself decides whether its Last-Modified is a strong validator (RFC 9110
// §8.8.2.2), and passes that as strong.
func OriginPreconditions(method string, request, current http.Header, strong bool) (
	o Outcome, ranges bool,
) {
	return evaluate(method, request, current, func(http.Header) bool { return strong })
}

// evaluate is Preconditions. The function strong reports whether a header's Last-Modified is a
// strong validator.
func evaluate(method string, request, stored http.Header, strong func(http.Header) bool) (
	o Outcome, ranges bool,
) {
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
	if method != http.MethodGet || rangeField(request) == "" {
		return Proceed, false
	}
	return Proceed, ifRange(request, stored, strong) != fails
}

// Conditional reports whether the header of a request has preconditions (RFC 9110 §13.1). If not,
// Preconditions needs no stored header.
func Conditional(request http.Header) bool {
	for _, name := range [...]string{
		"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
	} {
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
// invalid date, several of them (§13.1.3, §13.1.4), or a stored response without one, makes the
// field void.
func modifiedAfter(request http.Header, field string, stored http.Header) (after, ok bool) {
	date, ok := httpDate(request, field, time.Time{})
	if !ok || len(request[field]) > 1 {
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
// then gets everything, which is never wrong. It is no list: more than one tag or date is
// malformed.
func ifRange(request, stored http.Header, strong func(http.Header) bool) condition {
	lines := request["If-Range"]
	if !anyValue(lines) {
		return absent
	}
	if len(lines) == 1 && sameVersion(trimOWS(lines[0]), stored, strong) {
		return holds
	}
	return fails
}

// sameVersion reports whether a validator, an entity tag or a date, names the stored response by
// strong comparison. A date has to match exactly, in whichever of the three formats.
func sameVersion(validator string, stored http.Header, strong func(http.Header) bool) bool {
	if tag, rest := cutEntityTag(validator); tag != "" {
		return rest == "" && strongMatch(tag, first(stored, "Etag"))
	}
	date, ok := parseDate(validator, time.Time{})
	modified, known := parseDate(single(stored, "Last-Modified"), time.Time{})
	return ok && known && date.Unix() == modified.Unix() && strong(stored)
}

// modificationTime returns Last-Modified. Servers that don't know it send the Unix epoch, which
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
