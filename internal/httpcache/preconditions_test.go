package httpcache_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestPreconditions_RFC9110_13_2_2(t *testing.T) {
	const (
		proceed     = httpcache.Proceed
		notModified = httpcache.NotModified
		failed      = httpcache.PreconditionFailed
	)
	strong := head("Date: "+at(0), `Etag: "a"`, "Last-Modified: "+at(-time.Hour))
	weak := head("Date: "+at(0), `Etag: W/"a"`, "Last-Modified: "+at(-time.Second))
	before, exactly, after := at(-2*time.Hour), at(-time.Hour), at(-time.Minute)
	tests := []struct {
		name    string
		method  string
		stored  http.Header
		request http.Header
		outcome httpcache.Outcome
		ranges  bool
	}{
		{"none", "GET", strong, nil, proceed, false},
		{"Range §14.2", "GET", strong, head("Range: bytes=0-1"), proceed, true},
		{"Range, empty", "GET", strong, head("Range:"), proceed, false},
		{"Range, HEAD", "HEAD", strong, head("Range: bytes=0-1"), proceed, false},

		{"If-Match §13.1.1", "GET", strong, head(`If-Match: "a"`, "Range: x"), proceed, true},
		{"If-Match, list", "GET", strong, head(`If-Match: "b" , "a"`), proceed, false},
		{"If-Match, lines", "GET", strong, head(`If-Match: "b"`, `If-Match: "a"`), proceed, false},
		{"If-Match, line after a malformed one", "GET", strong, head(`If-Match: x`,
			`If-Match: "a"`), proceed, false},
		{"If-Match, star", "GET", strong, head("If-Match: *"), proceed, false},
		{"If-Match, another", "GET", strong, head(`If-Match: "b"`, "Range: x"), failed, false},
		{"If-Match, weak", "GET", weak, head(`If-Match: W/"a"`), failed, false},
		{"If-Match, no ETag", "GET", head(), head(`If-Match: "a"`), failed, false},
		{"If-Match, empty", "GET", strong, head("If-Match:"), proceed, false},
		{"If-Match beats If-Unmodified-Since", "GET", strong, head(`If-Match: "a"`,
			"If-Unmodified-Since: "+before), proceed, false},

		{"If-Unmodified-Since §13.1.4, after", "GET", strong, head("If-Unmodified-Since: " + after),
			proceed, false},
		{"If-Unmodified-Since, exactly", "HEAD", strong, head("If-Unmodified-Since: " + exactly),
			proceed, false},
		{"If-Unmodified-Since, before", "GET", strong, head("If-Unmodified-Since: " + before),
			failed, false},
		{"If-Unmodified-Since, malformed", "GET", strong, head("If-Unmodified-Since: x"), proceed,
			false},
		{"If-Unmodified-Since, no date", "GET", head(), head("If-Unmodified-Since: " + before),
			proceed, false},
		{"If-Unmodified-Since, Unix epoch", "GET", head("Last-Modified: Thu, 01 Jan 1970 " +
			"00:00:00 GMT"),
			head("If-Unmodified-Since: Thu, 01 Jan 1960 00:00:00 GMT"), proceed, false},

		{"If-None-Match §13.1.2", "GET", strong, head(`If-None-Match: "a"`, "Range: x"),
			notModified, false},
		{"If-None-Match, HEAD", "HEAD", strong, head(`If-None-Match: "a"`), notModified, false},
		{"If-None-Match, POST", "POST", strong, head(`If-None-Match: "a"`), failed, false},
		{"If-None-Match, weak", "GET", strong, head(`If-None-Match: W/"a"`), notModified, false},
		{"If-None-Match, weak ETag", "GET", weak, head(`If-None-Match: "b", "a"`), notModified,
			false},
		{"If-None-Match, lines", "GET", weak, head(`If-None-Match: "b"`, `If-None-Match: "a"`),
			notModified, false},
		{"If-None-Match, star", "GET", head(), head("If-None-Match: *"), notModified, false},
		{"If-None-Match, another", "GET", strong, head(`If-None-Match: "b"`, "Range: x"), proceed,
			true},
		{"If-None-Match beats If-Modified-Since", "GET", strong, head(`If-None-Match: "b"`,
			"If-Modified-Since: "+after), proceed, false},
		{"If-Match first", "GET", strong, head(`If-Match: "b"`, `If-None-Match: "a"`), failed,
			false},

		{"If-Modified-Since §13.1.3, after", "GET", strong, head("If-Modified-Since: " + after),
			notModified, false},
		{"If-Modified-Since, exactly", "HEAD", strong, head("If-Modified-Since: " + exactly),
			notModified, false},
		{"If-Modified-Since, before", "GET", strong, head("If-Modified-Since: "+before, "Range: x"),
			proceed, true},
		{"If-Modified-Since, POST", "POST", strong, head("If-Modified-Since: " + after), proceed,
			false},
		{"If-Modified-Since, malformed", "GET", strong, head("If-Modified-Since: x"), proceed,
			false},
		{"If-Modified-Since, lines", "GET", strong, head("If-Modified-Since: "+after,
			"If-Modified-Since: "+before), proceed, false},
		{"If-Unmodified-Since, lines", "GET", strong, head("If-Unmodified-Since: "+before,
			"If-Unmodified-Since: "+after), proceed, false},
		{"If-Modified-Since, no date", "GET", head(), head("If-Modified-Since: " + after), proceed,
			false},

		{"If-Range §13.1.5, ETag", "GET", strong, head(`If-Range: "a"`, "Range: x"), proceed, true},
		{"If-Range, another ETag", "GET", strong, head(`If-Range: "b"`, "Range: x"), proceed,
			false},
		{"If-Range, weak ETag", "GET", weak, head(`If-Range: W/"a"`, "Range: x"), proceed, false},
		{"If-Range, date", "GET", strong, head("If-Range: "+exactly, "Range: x"), proceed, true},
		{"If-Range, later date", "GET", strong, head("If-Range: "+after, "Range: x"), proceed,
			false},
		{"If-Range, earlier date", "GET", strong, head("If-Range: "+before, "Range: x"), proceed,
			false},
		{"If-Range, weak date", "GET", weak, head("If-Range: "+at(-time.Second), "Range: x"),
			proceed, false},
		{"If-Range, date, 60 s old", "GET", head("Date: "+at(0), "Last-Modified: "+
			at(-time.Minute)),
			head("If-Range: "+after, "Range: x"), proceed, true},
		{"If-Range, date, 59 s old", "GET", head("Date: "+at(0), "Last-Modified: "+
			at(-59*time.Second)),
			head("If-Range: "+at(-59*time.Second), "Range: x"), proceed, false},
		{"If-Range, date, UTC for GMT", "GET", strong,
			head("If-Range: "+strings.Replace(exactly, "GMT", "UTC", 1), "Range: x"), proceed,
			false},
		{"If-Range, two ETags", "GET", strong, head(`If-Range: "a", "x"`, "Range: x"), proceed,
			false},
		{"If-Range, two ETags, unspaced", "GET", strong, head(`If-Range: "a","a"`, "Range: x"),
			proceed, false},
		{"If-Range, lines", "GET", strong, head(`If-Range: "a"`, `If-Range: "a"`, "Range: x"),
			proceed, false},
		{"If-Range, lines of dates", "GET", strong, head("If-Range: "+exactly, "If-Range: "+exactly,
			"Range: x"), proceed, false},
		{"Range, lines", "GET", strong, head("Range: bytes=0-1", "Range: bytes=0-1"), proceed,
			false},
		{"If-Range, malformed", "GET", strong, head("If-Range: x", "Range: x"), proceed, false},
		{"If-Range, no Range", "GET", strong, head(`If-Range: "a"`), proceed, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			outcome, ranges := httpcache.Preconditions(tt.method, tt.request, tt.stored)
			if outcome != tt.outcome || ranges != tt.ranges {
				t.Errorf("got %v, %v, want %v, %v", outcome, ranges, tt.outcome, tt.ranges)
			}
		})
	}
}

// TestOriginPreconditions_RFC9110_8_8_2_2: the origin decides whether its Last-Modified is strong,
// with and without Date.
func TestOriginPreconditions_RFC9110_8_8_2_2(t *testing.T) {
	for _, date := range []string{"X: x", "Date: " + at(0), "Date: " + at(time.Hour)} {
		current := head("Last-Modified: "+at(0), date)
		request := head("If-Range: "+at(0), "Range: bytes=0-1")
		for _, strong := range []bool{true, false} {
			outcome, ranges := httpcache.OriginPreconditions("GET", request, current, strong)
			if outcome != httpcache.Proceed || ranges != strong {
				t.Errorf("%s, strong %v: %v, %v", date, strong, outcome, ranges)
			}
		}
	}
}

func TestPreconditionsAllocateNothing(t *testing.T) {
	stored := head("Date: "+at(0), `Etag: "a"`, "Last-Modified: "+at(-time.Hour))
	for _, request := range []http.Header{
		browser(), browser("Range: bytes=0-1"), browser(`If-None-Match: "b", W/"a"`),
		browser("If-Modified-Since: " + at(-time.Hour)), browser(`If-Range: "a"`,
			"Range: bytes=0-1"),
	} {
		noAllocations(t, func() { httpcache.Preconditions("GET", request, stored) })
	}
}

func BenchmarkPreconditions(b *testing.B) {
	stored := head("Date: "+at(0), `Etag: "a"`, "Last-Modified: "+at(-time.Hour))
	for _, bench := range []struct {
		name    string
		request http.Header
	}{
		{"none", browser()},
		{"If-None-Match", browser(`If-None-Match: "a"`, "If-Modified-Since: "+at(-time.Hour))},
		{"If-Modified-Since", browser("If-Modified-Since: " + at(-time.Hour))},
		{"If-Range", browser(`If-Range: "a"`, "Range: bytes=0-1")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				httpcache.Preconditions("GET", bench.request, stored)
			}
		})
	}
}
