package origin

import (
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// validators are what conditions are held against (RFC 9110 section 8.8).
type validators struct {
	etag         string    // with its quotes, and W/ if it is weak
	modified     time.Time // zero if there is none
	lastModified string    // modified as the answer states it; "" if there is none
}

// check evaluates the preconditions of a GET or HEAD in the order of RFC 9110 section 13.2.2, up to
// If-Range. It returns the status of the answer: 200 if they hold, 304 or 412.
func (v validators) check(h http.Header) int {
	if list := field(h, "If-Match"); list != "" {
		if !matches(list, v.etag, strongMatch) {
			return http.StatusPreconditionFailed
		}
	} else if v.modifiedAfter(h.Get("If-Unmodified-Since"), false) {
		return http.StatusPreconditionFailed
	}
	if list := field(h, "If-None-Match"); list != "" {
		if matches(list, v.etag, weakMatch) {
			return http.StatusNotModified
		}
	} else if !v.modifiedAfter(h.Get("If-Modified-Since"), true) {
		return http.StatusNotModified
	}
	return http.StatusOK
}

// ifRange reports whether a Range field applies: whether If-Range is absent, or names the current
// representation by a strong validator (RFC 9110 section 13.1.5). A date is one only when the ETag
// beside it is.
func (v validators) ifRange(h http.Header) bool {
	value := textproto.TrimString(field(h, "If-Range"))
	if value == "" {
		return true
	}
	if tag, rest := scanETag(value); tag != "" {
		return rest == "" && strongMatch(tag, v.etag)
	}
	t, err := http.ParseTime(value)
	return err == nil && !isWeak(v.etag) && t.Unix() == v.modified.Unix()
}

// modifiedAfter reports whether the representation was modified after the HTTP-date in value, at
// its resolution of seconds, or otherwise if there is no date to compare with (RFC 9110 sections
// 13.1.3 and 13.1.4).
func (v validators) modifiedAfter(value string, otherwise bool) bool {
	t, err := http.ParseTime(value)
	if err != nil || v.modified.IsZero() {
		return otherwise
	}
	return v.modified.Truncate(time.Second).After(t)
}

// field returns the values of a field that came in several lines as one list (RFC 9110 section
// 5.3).
func field(h http.Header, name string) string { return strings.Join(h.Values(name), ", ") }

// matches reports whether list is "*" or has an entity tag that matches etag. What follows a
// malformed member isn't looked at.
func matches(list, etag string, match func(a, b string) bool) bool {
	for {
		list = strings.TrimLeft(list, " \t,")
		if strings.HasPrefix(list, "*") {
			return true
		}
		tag, rest := scanETag(list)
		if tag == "" {
			return false
		}
		if match(tag, etag) {
			return true
		}
		list = rest
	}
}

// scanETag returns the entity tag at the beginning of s and what follows it; tag is "" if there is
// none (RFC 9110 section 8.8.3).
func scanETag(s string) (tag, rest string) {
	start := 0
	if strings.HasPrefix(s, "W/") {
		start = 2
	}
	if len(s) <= start || s[start] != '"' {
		return "", ""
	}
	for i := start + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[:i+1], s[i+1:]
		case c < '!' || c == 0x7f:
			return "", ""
		}
	}
	return "", ""
}

func isWeak(etag string) bool { return strings.HasPrefix(etag, "W/") }

// strongMatch and weakMatch compare as RFC 9110 section 8.8.3.2 says.
func strongMatch(a, b string) bool { return a == b && !isWeak(a) }

func weakMatch(a, b string) bool {
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}
