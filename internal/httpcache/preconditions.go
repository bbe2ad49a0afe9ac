package httpcache

import (
	"net/http"
	"slices"
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

// Preconditions evaluates a request's preconditions against the header of a stored 200 in the order
// of RFC 9110 §13.2.2, and decides whether a Range is to be honoured. Its results for GET and HEAD
// are those of http.ServeContent for a file with the stored ETag and Last-Modified, with these
// exceptions, which the RFC asks for: several lines of a field are one list (§5.3), which is
// malformed where only one member is allowed; Range means nothing in a HEAD (§14.2); If-Range has
// to be one validator and no more, and strong if it is a date (§13.1.5); and Date stands in for a
// missing Last-Modified (RFC 9111 §4.3.2).
//
// If-Match and If-Unmodified-Since are for an origin (RFC 9111 §4.3.2), which may have another
// representation by now: see Unmatched. Against one that the origin has just confirmed they are
// evaluated here, since a client that sends them with GET prefers a 412 to another representation.
//
// It allocates nothing unless a date in the request is malformed.
func Preconditions(method string, request, stored http.Header) (o Outcome, ranges bool) {
	date := first(request, "If-Range") // or an entity tag, for which strong doesn't matter
	strong := date != "" && !strings.HasSuffix(date, `"`) && StrongLastModified(stored) != ""
	return OriginPreconditions(method, request, stored, strong)
}

// OriginPreconditions is Preconditions at an origin, against the header of the representation as it
// is now. The origin itself decides whether its Last-Modified is a strong validator (RFC 9110
// §8.8.2.2), and passes that as strong.
func OriginPreconditions(method string, request, current http.Header, strong bool) (
	o Outcome, ranges bool,
) {
	reads := method == http.MethodGet || method == http.MethodHead

	// Steps 1 and 2.
	if Unmatched(request, current) {
		return PreconditionFailed, false
	}

	// Steps 3 and 4: If-Modified-Since counts only without If-None-Match, and for GET and HEAD
	// (§13.1.2, §13.1.3).
	same, sent := listed(request["If-None-Match"], current, weakMatch)
	if !sent && reads {
		after, ok := modifiedAfter(request, "If-Modified-Since", current)
		same = ok && !after
	}
	switch {
	case same && reads:
		return NotModified, false
	case same:
		return PreconditionFailed, false
	}

	// Step 5.
	ranges = method == http.MethodGet && rangeField(request) != "" &&
		ifRange(request["If-Range"], current, strong)
	return Proceed, ranges
}

// Unmatched reports whether one of the preconditions fails that are for an origin only, If-Match
// and If-Unmodified-Since, as far as stored is what the origin has. If-Unmodified-Since counts only
// without If-Match (RFC 9110 §13.1.1, §13.1.4).
func Unmatched(request, stored http.Header) bool {
	same, sent := listed(request["If-Match"], stored, strongMatch)
	if !sent {
		after, ok := modifiedAfter(request, "If-Unmodified-Since", stored)
		same = !ok || !after
	}
	return !same
}

// conditions are the fields that are preconditions (§13.1).
var conditions = [...]string{
	"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
}

// Conditional reports whether the header of a request has preconditions (RFC 9110 §13.1). If not,
// Preconditions needs no stored header.
func Conditional(request http.Header) bool {
	return slices.ContainsFunc(conditions[:], func(name string) bool {
		return len(request[name]) > 0
	})
}

// modifiedAfter reports whether the stored response is younger than the date in that field. An
// invalid date, several of them (§13.1.3, §13.1.4), or a stored response without one, makes the
// field void.
func modifiedAfter(request http.Header, field string, stored http.Header) (after, ok bool) {
	date, ok := httpDate(request, field, time.Time{})
	if !ok || len(request[field]) > 1 {
		return false, false
	}
	source := "Last-Modified"
	if len(stored[source]) == 0 && field == "If-Modified-Since" {
		source = "Date" // RFC 9111 §4.3.2: what wasn't made after a date wasn't modified after it
	}
	modified, ok := httpDate(stored, source, time.Time{})
	if source == "Last-Modified" && modified.Unix() == 0 {
		return false, false // as servers say that don't know it
	}
	return ok && modified.After(date), ok
}

// ifRange covers RFC 9110 §13.1.5: a Range counts if the stored response is the version that the
// validator names, an entity tag or a date, by strong comparison. A date has to match exactly, in
// whichever of the three formats. Unlike the other conditions it isn't met if it can't be
// evaluated: the client then gets everything, which is never wrong. It is no list: more than one
// tag or date is malformed.
func ifRange(lines []string, stored http.Header, strong bool) bool {
	if !anyValue(lines) {
		return true
	}
	if len(lines) > 1 {
		return false
	}
	validator := trimOWS(lines[0])
	if tag, rest := cutEntityTag(validator); tag != "" {
		return rest == "" && strongMatch(tag, first(stored, "Etag"))
	}
	date, ok := parseDate(validator, time.Time{})
	modified, known := parseDate(single(stored, "Last-Modified"), time.Time{})
	return strong && ok && known && date.Unix() == modified.Unix()
}

// listed reports whether a list of entity tags, if one was sent, has a member that matches the
// stored response's, or "*", which any stored response matches. What follows a malformed member of
// a line isn't considered.
func listed(lines []string, stored http.Header, match func(a, b string) bool) (found, sent bool) {
	const between = ", \t"
	for _, rest := range lines {
		rest = strings.TrimLeft(rest, between)
		for member := ""; rest != ""; rest = strings.TrimLeft(rest, between) {
			if rest[0] == '*' {
				return true, true
			}
			member, rest = cutEntityTag(rest)
			if match(member, first(stored, "Etag")) {
				return true, true
			}
		}
	}
	return false, anyValue(lines)
}

func anyValue(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return line != "" })
}
