package httpcache_test

import (
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestRequestDirectives_RFC9111_5_4(t *testing.T) {
	tests := []struct {
		name    string
		lines   []string
		noCache bool
	}{
		{"nothing", nil, false},
		{"Cache-Control", []string{"Cache-Control: no-cache"}, true},
		{"Pragma", []string{"Pragma: no-cache"}, true},
		{"Pragma in capitals", []string{"Pragma: NO-CACHE"}, true},
		{"Pragma in a list", []string{"Pragma: a=b, ,no-cache\t"}, true},
		{"Pragma in the second line", []string{"Pragma: a", "Pragma: no-cache"}, true},
		{"Pragma with an argument", []string{"Pragma: no-cache=1"}, false},
		{"Pragma, another one", []string{"Pragma: no-store"}, false},
		{"Pragma, empty", []string{"Pragma:"}, false},
		{"Pragma beside Cache-Control", []string{"Pragma: no-cache", "Cache-Control: max-age=5"},
			false},
		{"Pragma beside an empty Cache-Control", []string{"Pragma: no-cache", "Cache-Control:"},
			false},
		{"Pragma beside an unknown directive", []string{"Pragma: no-cache",
			"Cache-Control: unknown"}, false},
		{"Pragma that agrees with Cache-Control", []string{"Pragma: no-cache",
			"Cache-Control: no-cache"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := (httpcache.Policy{}).RequestDirectives(head(tt.lines...)); d.Has("no-cache") != tt.noCache {
				t.Errorf("%+v", d)
			}
			ignoring := httpcache.Policy{IgnoreRequest: true}
			if d := ignoring.RequestDirectives(head(tt.lines...)); d != (httpcache.Directives{}) {
				t.Errorf("not ignored: %+v", d)
			}
		})
	}
}

func TestIgnoreRequest(t *testing.T) {
	ignoring := httpcache.Policy{IgnoreRequest: true}
	r := received(200, "Cache-Control: max-age=100")
	f := ignoring.Facts(r)
	for _, line := range []string{
		"Cache-Control: no-cache", "Cache-Control: max-age=0", "Cache-Control: max-age=x",
		"Cache-Control: min-fresh=1000",
		"Cache-Control: no-store", "Cache-Control: only-if-cached", "Cache-Control: max-stale",
		"Cache-Control: stale-if-error=1000", "Pragma: no-cache",
	} {
		request := head(line)
		if u := f.Reuse(request, noon); u.Verdict != httpcache.Fresh || u.OnlyIfCached {
			t.Errorf("%s, fresh: %+v", line, u)
		}
		expired := noon.Add(101 * time.Second)
		if u := f.Reuse(request, expired); u.Verdict != httpcache.Stale || u.OnlyIfCached ||
			u.Reason != "stale" {
			t.Errorf("%s, stale: %+v", line, u)
		}
		if f.StaleOnError(request, expired) {
			t.Errorf("%s: served stale on error", line)
		}
		if ok, reason := ignoring.Storable("GET", request, r); !ok {
			t.Errorf("%s: not stored, %s", line, reason)
		}
	}
}

func TestPrivateCookies(t *testing.T) {
	const fresh, cookie = "Cache-Control: max-age=60", "Set-Cookie: a=b"
	tests := []struct {
		name  string
		lines []string
		// without and with PrivateCookies
		lenient, strict string
	}{
		{"no cookie", []string{fresh}, "", ""},
		{"cookie", []string{fresh, cookie}, "", "set-cookie"},
		{"cookie, public", []string{"Cache-Control: public, s-maxage=60", cookie}, "",
			"set-cookie"},
		{"cookie, Expires", []string{"Expires: " + at(time.Hour), cookie}, "", "set-cookie"},
		{"cookie, empty", []string{fresh, "Set-Cookie:"}, "", "set-cookie"},
		{"cookie, no freshness", []string{`Etag: "v1"`, cookie}, "set-cookie", "set-cookie"},
		{"cookie, private", []string{fresh, "Cache-Control: private", cookie}, "private",
			"private"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := received(200, tt.lines...)
			if _, reason := (httpcache.Policy{}).Storable("GET", nil, r); reason != tt.lenient {
				t.Errorf("without: %q", reason)
			}
			if _, reason := (httpcache.Policy{PrivateCookies: true}).Storable("GET", nil,
				r); reason != tt.strict {
				t.Errorf("with: %q", reason)
			}
		})
	}
}

func TestShared_RFC9111_3_5(t *testing.T) {
	for cacheControl, want := range map[string]bool{
		"": false, "max-age=60": false, "proxy-revalidate": false, "private": false,
		"max-age=60, no-cache": false,
		"public":               true, "must-revalidate": true, "s-maxage=60": true,
		"s-maxage=0": true, "Public, max-age=60": true, "max-age=60, must-revalidate": true,
		`public, a="`: false, `a="b, must-revalidate`: false, `s-maxage=60, a="`: false,
	} {
		r := received(200, "Cache-Control: "+cacheControl, `Etag: "v1"`)
		if f := (httpcache.Policy{}).Facts(r); f.Shared != want {
			t.Errorf("%s: %v", cacheControl, f.Shared)
		}
		// What may be stored may be used, and the other way round.
		_, reason := httpcache.Policy{}.Storable("GET", head("Authorization: x"), r)
		if !strings.Contains(cacheControl, "private") && (reason != "authorization") != want {
			t.Errorf("%s: stored, %q", cacheControl, reason)
		}
	}
	targeted := httpcache.Policy{Targets: []string{"Cdn-Cache-Control"}}
	if f := targeted.Facts(received(200, "Cache-Control: public",
		"Cdn-Cache-Control: max-age=60")); f.Shared {
		t.Error("shared because of a Cache-Control that doesn't count")
	}
	if f := targeted.Facts(received(200, "Cache-Control: private",
		"Cdn-Cache-Control: public")); !f.Shared {
		t.Error("not shared in spite of CDN-Cache-Control")
	}
}

// Lifetimes are in seconds.
func TestTargets_RFC9213_2_2(t *testing.T) {
	policy := httpcache.Policy{Limits: httpcache.Limits{HeuristicLimit: time.Hour},
		Targets: []string{"Scurry-Cache-Control", "Cdn-Cache-Control"}}
	modified := "Last-Modified: " + at(-100*time.Hour)
	tests := []struct {
		name     string
		lines    []string
		lifetime time.Duration
		explicit bool
		reason   string
	}{
		{"neither", []string{"Cache-Control: max-age=1"}, 1, true, ""},
		{"the first", []string{"Scurry-Cache-Control: max-age=3", "Cdn-Cache-Control: max-age=2",
			"Cache-Control: max-age=1"}, 3, true, ""},
		{"the order is the cache's", []string{"Cdn-Cache-Control: max-age=2",
			"Scurry-Cache-Control: max-age=3"}, 3, true, ""},
		{"the second alone", []string{"Cdn-Cache-Control: max-age=2", "Cache-Control: max-age=1"},
			2, true, ""},
		{"one of another cache", []string{"Other-Cache-Control: max-age=4",
			"Cache-Control: max-age=1"}, 1, true, ""},
		{"the first is invalid", []string{"Scurry-Cache-Control: max-age=3,",
			"Cdn-Cache-Control: max-age=2", "Cache-Control: max-age=1"}, 2, true, ""},
		{"the first is empty", []string{"Scurry-Cache-Control:", "Cdn-Cache-Control: max-age=2"}, 2,
			true, ""},
		{"both are invalid", []string{"Scurry-Cache-Control: &", "Cdn-Cache-Control: Max-Age=2",
			"Cache-Control: max-age=1"}, 1, true, ""},
		{"an invalid one's no-store", []string{"Cdn-Cache-Control: no-store,",
			"Cache-Control: max-age=1"}, 1, true, ""},
		{"no merging", []string{"Scurry-Cache-Control: public", "Cdn-Cache-Control: max-age=2",
			"Cache-Control: max-age=1", modified}, 3600, false, ""},
		{"Cache-Control forbids", []string{"Cdn-Cache-Control: max-age=2",
			"Cache-Control: no-store, private, no-cache"}, 2, true, ""},
		{"Cache-Control permits", []string{"Cdn-Cache-Control: no-store",
			"Cache-Control: max-age=1"}, 0, false, "no-store"},
		{"the second forbids", []string{"Scurry-Cache-Control: max-age=3",
			"Cdn-Cache-Control: no-store"}, 3, true, ""},
		{"private", []string{"Cdn-Cache-Control: private, max-age=2",
			"Cache-Control: public, max-age=1"}, 2, true, "private"},
		{"s-maxage of Cache-Control", []string{"Cdn-Cache-Control: max-age=2",
			"Cache-Control: s-maxage=1"}, 2, true, ""},
		{"s-maxage of its own", []string{"Cdn-Cache-Control: max-age=2, s-maxage=5"}, 5, true, ""},
		{"Expires", []string{"Cdn-Cache-Control: max-age=2", "Expires: 0"}, 2, true, ""},
		{"Expires where it says nothing of that", []string{"Cdn-Cache-Control: public",
			"Expires: " + at(time.Hour)}, 0, false, "no-freshness-or-validator"},
		{"Expires where it is invalid", []string{"Cdn-Cache-Control: public,", "Expires: " +
			at(time.Hour)}, 3600, true, ""},
		{"a wrong type is stale", []string{`Cdn-Cache-Control: max-age="2"`,
			"Cache-Control: max-age=1", modified}, 0, true, ""},
		{"must-understand", []string{"Cdn-Cache-Control: no-store, must-understand, max-age=2"}, 2,
			true, ""},
		{"must-understand of the wrong type", []string{"Cdn-Cache-Control: no-store, " +
			"must-understand=1, max-age=2"}, 0, true, "no-store"},
		{"several lines", []string{"Cdn-Cache-Control: max-age=2", "Cdn-Cache-Control: private"}, 2,
			true, "private"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := received(200, append(tt.lines, "Date: "+at(0))...)
			if lifetime, explicit := policy.Lifetime(r); lifetime != tt.lifetime*time.Second ||
				explicit != tt.explicit {
				t.Errorf("lifetime %v, %v", lifetime, explicit)
			}
			if ok, reason := policy.Storable("GET", nil, r); reason != tt.reason ||
				ok != (tt.reason == "") {
				t.Errorf("storable %v, %q", ok, reason)
			}
		})
	}
}

// Age counts against a targeted lifetime (RFC 9213 §2.2), and what the field says of stale
// responses holds.
func TestTargetsReuse_RFC9213_2_2(t *testing.T) {
	policy := httpcache.Policy{Targets: []string{"Cdn-Cache-Control"}}
	f := policy.Facts(received(200, "Date: "+at(0), "Age: 40",
		"Cdn-Cache-Control: max-age=60, stale-while-revalidate=10, stale-if-error=20",
		"Cache-Control: no-cache, must-revalidate"))
	for _, tt := range []struct {
		resident time.Duration
		verdict  httpcache.Verdict
		onError  bool
	}{
		{19 * time.Second, httpcache.Fresh, true},
		{20 * time.Second, httpcache.StaleMeanwhile, true},
		{30 * time.Second, httpcache.Stale, true},
		{40 * time.Second, httpcache.Stale, true},
		{41 * time.Second, httpcache.Stale, false},
	} {
		now := noon.Add(tt.resident)
		if u, onError := f.Reuse(nil, now), f.StaleOnError(nil, now); u.Verdict != tt.verdict ||
			onError != tt.onError {
			t.Errorf("after %v: %+v, on error %v", tt.resident, u, onError)
		}
	}
}
