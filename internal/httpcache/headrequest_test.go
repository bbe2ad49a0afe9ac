package httpcache_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestMatches_RFC9111_4_3_5(t *testing.T) {
	const length = 5
	then, other := "Last-Modified: "+at(-time.Hour), "Last-Modified: "+at(-2*time.Hour)
	tests := []struct {
		name         string
		stored, head http.Header
		want         bool
	}{
		{"nothing to compare", head(`Etag: "a"`, then), head("Date: " + at(0)), true},
		{"nothing at all", nil, nil, true},

		{"same ETag", head(`Etag: "a"`), head(`Etag: "a"`), true},
		{"another ETag", head(`Etag: "a"`), head(`Etag: "b"`), false},
		{"weakened ETag", head(`Etag: "a"`), head(`Etag: W/"a"`), true},
		{"strengthened ETag", head(`Etag: W/"a"`), head(`Etag: "a"`), true},
		{"another weak ETag", head(`Etag: W/"a"`), head(`Etag: W/"b"`), false},
		{"new ETag", head(then), head(`Etag: "a"`, then), false},
		{"empty ETag that is new", nil, head(`Etag: ""`), false},
		{"another ETag, same date and length", head(`Etag: "a"`, then), head(`Etag: "b"`, then,
			"Content-Length: 5"), false},

		{"same date", head(then), head(then), true},
		{"later date", head(other), head(then), false},
		{"earlier date", head(then), head(other), false},
		{"new date", head(`Etag: "a"`), head(`Etag: "a"`, then), false},
		{"same ETag, another date", head(`Etag: "a"`, then), head(`Etag: "a"`, other), false},

		{"same length", nil, head("Content-Length: 5"), true},
		{"shorter", nil, head("Content-Length: 4"), false},
		{"longer", nil, head("Content-Length: 6"), false},
		{"empty", nil, head("Content-Length: 0"), false},
		{"beyond any number", nil, head("Content-Length: 99999999999999999999"), false},
		{"another length, same validators", head(`Etag: "a"`, then), head(`Etag: "a"`, then,
			"Content-Length: 6"), false},
		{"stored field doesn't count", head("Content-Length: 6"), head("Content-Length: 5"), true},
		{"several lines", nil, head("Content-Length: 5", "Content-Length: 5"), true},
		{"malformed length", nil, head("Content-Length: -6"), false},
		{"two lengths", nil, head("Content-Length: 5", "Content-Length: 6"), false},
		{"malformed ETag", head("Etag: v1"), head("Etag: v1"), true},
		{"another malformed ETag", head("Etag: v1"), head("Etag: v2"), false},
		{"malformed ETag instead", head(`Etag: "v1"`), head("Etag: v1"), false},
		{"malformed date", head("Last-Modified: then"), head("Last-Modified: now"), false},

		{"all the same", head(`Etag: "a"`, then), head(`Etag: "a"`, then, "Content-Length: 5"),
			true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := httpcache.Matches(tt.stored, tt.head, length); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestSingleRange(t *testing.T) {
	for _, tt := range []struct {
		request http.Header
		want    bool
	}{
		{nil, false},
		{head("Range: bytes=0-1"), true},
		{head("Range: BYTES=0-"), true},
		{head("Range: bytes=-5"), true},
		{head("Range: bytes="), false},
		{head("Range: byte"), false},
		{head("Range: lines=0-1"), false},
		{head("Range: bytes=0-1,3-4"), false},
		{head("Range: bytes=0-1", "Range: bytes=3-4"), false},
		{head("Range: bytes=0-1", `If-Range: "a"`), false},
		{head("Range: bytes=0-1", "If-Range:"), false},
	} {
		if got := httpcache.SingleRange(tt.request); got != tt.want {
			t.Errorf("%v: %v", tt.request, got)
		}
	}
}

// Accept-Encoding and Accept-Language are compared by what they mean; other fields that look like
// them, as they are.
func TestSelectingNegotiated_RFC9111_4_1(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		same       bool
	}{
		{"Accept-Encoding", "gzip, br", "BR,x-gzip;q=1.0", true},
		{"Accept-Encoding", "gzip, br", "gzip, br;q=0.5", false},
		{"Accept-Language", "de, en;q=0.50", "EN;q=0.5,de", true},
		{"Accept-Language", "de, en", "en, de", false},
		{"Accept", "gzip, br", "br, gzip", false},
	} {
		names := []string{tt.name}
		a, b := httpcache.Selecting(names, head(tt.name+": "+tt.a)), httpcache.Selecting(names,
			head(tt.name+": "+tt.b))
		if (a == b) != tt.same {
			t.Errorf("%q and %q", a, b)
		}
	}
}

// TestCenturies: a year of two digits is the one that isn't more than 50 years ahead (RFC 9110
// §5.6.7).
func TestCenturies(t *testing.T) {
	for _, tt := range []struct {
		received time.Time
		expires  string
		fresh    bool
	}{
		{time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), "Wednesday, 01-Jul-76 00:00:00 GMT", true},
		{time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), "Wednesday, 01-Jul-76 00:00:01 GMT", false},
		// which 1970 began with, and not 2070
		{time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), "Thursday, 01-Jan-70 00:00:00 GMT", false},
		{time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), "Wednesday, 01-Jan-70 00:00:00 GMT", true},
		{time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), "Wednesday, 01-Jul-99 00:00:00 GMT", false},
		{time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), "Saturday, 01-Jan-00 00:00:00 GMT", true},
		{time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), "Friday, 31-Dec-49 00:00:00 GMT", true},
		{time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), "Friday, 31-Dec-49 00:00:01 GMT", false},
		{time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), "Friday, 31-Dec-68 00:00:00 GMT", false},
		{time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC), "Friday, 31-Dec-95 00:00:00 GMT", true},
		{time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC), "Friday, 31-Dec-39 00:00:00 GMT", true},
		{time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC), "Friday, 31-Dec-41 00:00:00 GMT", false},
	} {
		r := &httpcache.Response{Status: 200, Header: head("Expires: " + tt.expires),
			RequestTime: tt.received, ResponseTime: tt.received}
		if lifetime, _ := (httpcache.Policy{}).Lifetime(r); (lifetime > 0) != tt.fresh {
			t.Errorf("%s in %d: %v", tt.expires, tt.received.Year(), lifetime)
		}
	}
}
