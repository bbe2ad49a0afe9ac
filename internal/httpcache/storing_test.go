package httpcache_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestStorable_RFC9111_3(t *testing.T) {
	const etag, fresh = `Etag: "v1"`, "Cache-Control: max-age=60"
	modified := "Last-Modified: " + at(-time.Hour)
	policy := httpcache.Policy{Limits: httpcache.Limits{HeuristicLimit: time.Hour,
		NegativeTTL: time.Minute}}
	tests := []struct {
		name     string
		method   string
		request  http.Header
		response *httpcache.Response
		reason   string
	}{
		{"fresh", "GET", nil, received(200, fresh), ""},
		{"validator only", "GET", nil, received(200, etag), ""},
		{"heuristic", "GET", nil, received(200, modified), ""},
		{"Expires", "GET", nil, received(200, "Expires: "+at(time.Hour)), ""},

		{"method HEAD", "HEAD", nil, received(200, fresh), "method"},
		{"method POST, fresh", "POST", nil, received(200, fresh), ""},
		{"method POST, not explicitly", "POST", nil, received(200, modified, etag), "method"},
		{"method POST, stale", "POST", nil, received(200, "Cache-Control: max-age=0", etag),
			"method"},
		{"method QUERY", "QUERY", nil, received(200, fresh), "method"},
		{"method lower case", "get", nil, received(200, fresh), "method"},

		{"status 100", "GET", nil, received(100, fresh), "status"},
		{"status 103", "GET", nil, received(103, fresh), "status"},
		{"status 600", "GET", nil, received(600, fresh), "status"},
		{"status 0", "GET", nil, received(0, fresh), "status"},
		{"206 §3.3", "GET", nil, received(206, fresh, etag), "partial"},
		{"304 §4.3.4", "GET", nil, received(304, fresh, etag), "partial"},
		{"302 explicit", "GET", nil, received(302, fresh), ""},
		{"302 Expires", "GET", nil, received(302, "Expires: "+at(time.Hour)), ""},
		{"302 public", "GET", nil, received(302, "Cache-Control: public", etag), ""},
		{"302 public, nothing else", "GET", nil, received(302, "Cache-Control: public"),
			"no-freshness-or-validator"},
		{"302 public, broken field", "GET", nil, received(302, `Cache-Control: public, a="`, etag),
			"status"},
		{"302 silent", "GET", nil, received(302, etag, modified), "status"},
		{"500 explicit", "GET", nil, received(500, fresh), ""},
		{"500 silent", "GET", nil, received(500, etag), "status"},
		{"599 explicit", "GET", nil, received(599, fresh), ""},

		{"404 negative", "GET", nil, received(404), ""},
		{"410 negative", "GET", nil, received(410), ""},
		{"404 explicitly stale", "GET", nil, received(404, "Cache-Control: max-age=0"),
			"no-freshness-or-validator"},
		{"405 silent", "GET", nil, received(405), "no-freshness-or-validator"},

		{"request no-store §5.2.1.5", "GET", head("Cache-Control: no-store"), received(200, fresh),
			"request-no-store"},
		{"request no-cache", "GET", head("Cache-Control: no-cache"), received(200, fresh), ""},
		{"no-store §5.2.2.5", "GET", nil, received(200, fresh, etag, "Cache-Control: No-Store"),
			"no-store"},
		{"private §5.2.2.7", "GET", nil, received(200, fresh, "Cache-Control: private"), "private"},
		{"private and public", "GET", nil, received(200, fresh, "Cache-Control: private, public"),
			"private"},
		{"private with names", "GET", nil, received(200, fresh, `Cache-Control: private="x-a"`),
			"private"},
		{"private in an odd place", "GET", nil, received(200,
			`Cache-Control: max-age=60, a="b, private`), "private"},
		{"no-cache §5.2.2.4 with ETag", "GET", nil, received(200, fresh, "Cache-Control: no-cache",
			etag), ""},
		{"no-cache without validator", "GET", nil, received(200, fresh, "Cache-Control: no-cache"),
			"no-cache"},

		{"must-understand §5.2.2.3, understood", "GET", nil, received(200, fresh,
			"Cache-Control: must-understand"), ""},
		{"must-understand 302", "GET", nil, received(302, fresh, "Cache-Control: must-understand"),
			""},
		{"must-understand 299", "GET", nil, received(299, fresh, "Cache-Control: must-understand"),
			"must-understand"},
		{"must-understand overrides no-store", "GET", nil, received(200, fresh,
			"Cache-Control: must-understand, no-store"), ""},
		{"must-understand, no-store, 503", "GET", nil, received(503, fresh,
			"Cache-Control: must-understand, no-store"), ""},
		{"must-understand, no-store, 299", "GET", nil, received(299, fresh,
			"Cache-Control: no-store, must-understand"), "must-understand"},
		{"must-understand, no-store, broken field", "GET", nil, received(200, etag,
			`Cache-Control: must-understand, no-store, a="`), "no-store"},

		{"428 of RFC 6585", "GET", nil, received(428, fresh), "status"},
		{"429 of RFC 6585", "GET", nil, received(429, fresh), "status"},
		{"431 of RFC 6585", "GET", nil, received(431, fresh), "status"},
		{"511 of RFC 6585", "GET", nil, received(511, fresh), "status"},
		{"299 explicit", "GET", nil, received(299, fresh), ""},
		{"499 explicit", "GET", nil, received(499, fresh), ""},

		{"Vary §4.1", "GET", nil, received(200, fresh, "Vary: Accept"), ""},
		{"Vary star", "GET", nil, received(200, fresh, "Vary: *"), "vary-star"},
		{"Vary list with star", "GET", nil, received(200, fresh, "Vary: Accept",
			"Vary: Accept-Encoding, *"), "vary-star"},

		{"Authorization §3.5", "GET", head("Authorization: Basic eA=="), received(200, fresh),
			"authorization"},
		{"Authorization, public", "GET", head("Authorization: x"), received(200, fresh,
			"Cache-Control: public"), ""},
		{"Authorization, s-maxage", "GET", head("Authorization: x"), received(200,
			"Cache-Control: s-maxage=1"), ""},
		{"Authorization, must-revalidate", "GET", head("Authorization: x"), received(200, fresh,
			"Cache-Control: must-revalidate"), ""},
		{"Authorization, proxy-revalidate", "GET", head("Authorization: x"), received(200, fresh,
			"Cache-Control: proxy-revalidate"), "authorization"},
		{"Authorization, broken field", "GET", head("Authorization: x"), received(200, etag,
			`Cache-Control: public, a="`), "authorization"},
		{"Authorization, Expires", "GET", head("Authorization: x"), received(200, "Expires: "+
			at(time.Hour)), "authorization"},

		{"Set-Cookie §7.3", "GET", nil, received(200, fresh, "Set-Cookie: a=b"), ""},
		{"Set-Cookie, heuristically", "GET", nil, received(200, modified, etag, "Set-Cookie: a=b"),
			"set-cookie"},
		{"Set-Cookie, stale", "GET", nil, received(200, "Cache-Control: max-age=0", etag,
			"Set-Cookie: a=b"), "set-cookie"},
		{"Set-Cookie, no-cache", "GET", nil, received(200, "Cache-Control: max-age=60, no-cache",
			etag, "Set-Cookie: a=b"), "set-cookie"},

		{"nothing", "GET", nil, received(200), "no-freshness-or-validator"},
		{"malformed max-age", "GET", nil, received(200, "Cache-Control: max-age=x"),
			"no-freshness-or-validator"},
		{"malformed max-age with validator", "GET", nil, received(200, "Cache-Control: max-age=x",
			etag), ""},
		{"ETag that is none", "GET", nil, received(200, "Etag: v1"), "no-freshness-or-validator"},
		{"ETag star", "GET", nil, received(200, "Etag: *"), "no-freshness-or-validator"},
		{"ETag with a tail", "GET", nil, received(200, `Etag: "v1"-gzip`),
			"no-freshness-or-validator"},
		{"ETags that differ", "GET", nil, received(200, etag, `Etag: "v2"`),
			"no-freshness-or-validator"},
		{"Last-Modified that is none", "GET", nil, received(200, "Last-Modified: yesterday"),
			"no-freshness-or-validator"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ok, reason := policy.Storable(tt.method, tt.request, tt.response)
			if reason != tt.reason || ok != (tt.reason == "") {
				t.Errorf("got %v, %q, want %q", ok, reason, tt.reason)
			}
		})
	}
}

func TestStorableUnderPolicy(t *testing.T) {
	for _, status := range []int{404, 410} {
		if ok, reason := (httpcache.Policy{Limits: httpcache.Limits{HeuristicLimit: time.Hour}}).Storable("GET", nil, received(status)); ok || reason != "no-freshness-or-validator" {
			t.Errorf("%d without NegativeTTL: %v, %q", status, ok, reason)
		}
	}
	if ok, reason := (httpcache.Policy{}).Storable("GET", nil, received(200, "Last-Modified: "+
		at(0))); !ok {
		t.Errorf("validator, but no heuristic freshness: %s", reason)
	}
}

// Without any statement of the origin's, only the statuses of RFC 9110 §15.1 are storable.
func TestStorableStatuses_RFC9110_15_1(t *testing.T) {
	want := map[int]bool{200: true, 203: true, 204: true, 300: true, 301: true, 308: true,
		404: true, 405: true, 410: true, 414: true, 501: true}
	for status := range 1000 {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			ok, _ := httpcache.Policy{}.Storable("GET", nil, received(status, `Etag: "v1"`))
			if ok != want[status] {
				t.Errorf("got %v", ok)
			}
		})
	}
}

func BenchmarkStorable(b *testing.B) {
	r := received(200, "Cache-Control: public, max-age=60", `Etag: "v1"`, "Vary: Accept-Encoding",
		"Date: "+at(0))
	request := head("Accept: */*", "User-Agent: x")
	b.ReportAllocs()
	for b.Loop() {
		httpcache.Policy{}.Storable("GET", request, r)
	}
}
