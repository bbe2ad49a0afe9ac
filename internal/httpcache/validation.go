package httpcache

import (
	"math"
	"net/http"
	"slices"
)

// AddConditions makes dst, the header of a request to the origin, conditional on the stored
// response's validators (RFC 9111 §4.3.1): If-None-Match from its ETag and If-Modified-Since from
// its Last-Modified, both if it has both. It reports false if it isn't Validatable, and then leaves
// dst alone. The client's own conditions should have been removed with StripConditions.
func AddConditions(dst http.Header, stored http.Header) bool {
	if !Settled(stored) {
		return false
	}
	etag, modified := entityTag(stored), lastModified(stored)
	if etag != "" {
		dst["If-None-Match"] = []string{etag}
	}
	if modified != "" {
		dst["If-Modified-Since"] = []string{modified}
	}
	return etag != "" || modified != ""
}

// StripConditions deletes the preconditions (RFC 9110 §13.1) and Range from the header of a request
// whose response is to be stored whole.
func StripConditions(h http.Header) {
	for _, name := range conditions {
		delete(h, name)
	}
	delete(h, "Range")
}

// Confirms reports whether a 304 that answers a request with the conditions of AddConditions
// identifies the stored response for update (RFC 9111 §4.3.4). If not, the stored response may
// neither be updated nor served, and the request has to be repeated without conditions.
func Confirms(stored, notModified http.Header) bool {
	oldTag, newTag := entityTag(stored), entityTag(notModified)
	oldTime, newTime := lastModified(stored), lastModified(notModified)
	switch {
	case newTag != "" && oldTag != "":
		// It was the stored tag that was offered, and If-None-Match compares weakly. Servers that
		// compress as they send have W/"1" in the 200 and "1" in the 304 for the same
		// representation. Entity tags leave nothing to be decided by dates.
		return weakMatch(newTag, oldTag)
	case newTag != "" && newTag[0] == '"':
		// The representation has got a strong entity tag that the stored one lacks. They have a
		// strong validator in common only if the date is one.
		strong := StrongLastModified(stored)
		return strong != "" && strong == newTime
	case newTime != "":
		// Another date, even an earlier one, is another representation: a file put back from a
		// backup answers If-Modified-Since with 304, too.
		return newTime == oldTime
	}
	// Without any validator it can only be about the one response the conditions were made from.
	// The RFC has this rule for stored responses that lack a validator; many origins leave
	// validators out of a 304.
	return newTag == ""
}

// Freshen returns the header of a stored response updated by a 304 that Confirms it, or by the
// response to a HEAD that Matches it (RFC 9111 §3.2): each of its fields replaces the stored one,
// but for those that describe the stored bytes and Set-Cookie. The result shares nothing with its
// arguments.
func Freshen(stored, notModified http.Header) http.Header {
	out := EndToEnd(stored)
	// The 304 has a date and an age of its own. What it lacks must not be taken from the old
	// message, or else the response would be as old as before (§4.2.3).
	delete(out, "Date")
	delete(out, "Age")
	for name, values := range EndToEnd(notModified) {
		switch name {
		case "Content-Length": // §3.2, last exception
		case "Content-Encoding", "Content-Range", "Content-Md5", "Content-Digest":
			// They describe the stored bytes.
		case "Set-Cookie":
			// It is for the client whose request caused the validation. The stored one, for all
			// clients, stays.
		case "Etag":
			// Where both have one they differ in strength at most, and the stored one is about the
			// stored bytes: that of the 304 could be a strong validator for bytes that came under a
			// weak one.
			if entityTag(stored) == "" {
				out[name] = values
			}
		default:
			out[name] = values
		}
	}
	return out
}

// Matches reports whether the response to a HEAD is about the stored response, of that length
// (negative if it isn't known): it has no validator and no length that differs from the stored
// one's (RFC 9111 §4.3.5). If not, the stored response is out of date.
func Matches(stored, head http.Header, length int64) bool {
	// Even what is no validator by the letter differs where the content does.
	same := func(name string) bool {
		return len(head[name]) == 0 || slices.Equal(head[name], stored[name])
	}
	if !same("Last-Modified") || !same("Etag") && !weakMatch(entityTag(head), entityTag(stored)) {
		return false
	}
	if len(head["Content-Length"]) == 0 {
		return true
	}
	n, ok := digits(single(head, "Content-Length"), math.MaxInt64)
	return ok && (n == length || length < 0)
}
