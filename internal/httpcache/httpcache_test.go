package httpcache_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// noon is the time at which the responses of the tests are made, unless a test says otherwise.
var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// head makes a header of lines such as "Cache-Control: no-store". A trailing colon makes an empty
// field.
func head(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			panic("no colon in " + line)
		}
		h.Add(name, strings.TrimSpace(value))
	}
	return h
}

// at formats noon plus d as an HTTP-date.
func at(d time.Duration) string { return noon.Add(d).Format(http.TimeFormat) }

// received is a response requested and received at noon.
func received(status int, lines ...string) *httpcache.Response {
	return &httpcache.Response{Status: status, Header: head(lines...), RequestTime: noon,
		ResponseTime: noon}
}

// noAllocations fails the test if f allocates.
func noAllocations(t *testing.T, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(100, f); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
