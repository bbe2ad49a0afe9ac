package httpcache_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestReuse_RFC9111_4(t *testing.T) {
	const (
		fresh      = httpcache.Fresh
		stale      = httpcache.Stale
		allowed    = httpcache.StaleAllowed
		maxAge100  = "max-age=100"
		revalidate = "max-age=100, must-revalidate"
	)
	tests := []struct {
		name    string
		stored  string // Cache-Control
		request http.Header
		age     int
		verdict httpcache.Verdict
		reason  string
	}{
		{"fresh §4.2", maxAge100, nil, 0, fresh, ""},
		{"last fresh second", maxAge100, nil, 99, fresh, ""},
		{"lifetime equals age", maxAge100, nil, 100, stale, "stale"},
		{"expired", maxAge100, nil, 101, stale, "stale"},
		{"no freshness", "public", nil, 0, stale, "stale"},
		{"response no-cache §5.2.2.4", "max-age=100, no-cache", nil, 0, stale, "stale"},
		{"response no-cache with names", `max-age=100, no-cache="x"`, nil, 0, stale, "stale"},

		{"request no-cache §5.2.1.4", maxAge100, head("Cache-Control: No-Cache"), 1, stale,
			"request"},
		{"request no-cache, expired", maxAge100, head("Cache-Control: no-cache, max-stale"), 200,
			stale, "stale, refused"},
		{"Pragma §5.4", maxAge100, head("Pragma: x, No-Cache"), 1, stale, "request"},
		{"Pragma of another kind", maxAge100, head("Pragma: x, no-cache-please"), 1, fresh, ""},
		{"Pragma with Cache-Control", maxAge100, head("Pragma: no-cache",
			"Cache-Control: max-stale"), 1, fresh, ""},
		{"request no-store", maxAge100, head("Cache-Control: no-store"), 1, fresh, ""},

		{"max-age §5.2.1.1 larger", maxAge100, head("Cache-Control: max-age=51"), 50, fresh, ""},
		{"max-age equal", maxAge100, head("Cache-Control: max-age=50"), 50, fresh, ""},
		{"max-age smaller", maxAge100, head("Cache-Control: max-age=49"), 50, stale, "request"},
		{"max-age 0 at once", maxAge100, head("Cache-Control: max-age=0"), 0, stale, "request"},
		{"max-age malformed", maxAge100, head("Cache-Control: max-age=x"), 1, stale, "request"},
		{"max-age contradictory", maxAge100, head("Cache-Control: max-age=50, max-age=60"), 1,
			stale, "request"},
		{"max-age beyond expiry", maxAge100, head("Cache-Control: max-age=500"), 200, stale,
			"stale"},

		{"min-fresh §5.2.1.3 met", maxAge100, head("Cache-Control: min-fresh=50"), 50, fresh, ""},
		{"min-fresh missed", maxAge100, head("Cache-Control: min-fresh=51"), 50, stale, "request"},
		{"min-fresh malformed", maxAge100, head("Cache-Control: min-fresh=-1"), 50, stale,
			"request"},
		{"min-fresh without value", maxAge100, head("Cache-Control: min-fresh"), 50, stale,
			"request"},

		{"max-stale §5.2.1.2 any", maxAge100, head("Cache-Control: max-stale"), 100000, allowed,
			"max-stale"},
		{"max-stale, still fresh", maxAge100, head("Cache-Control: max-stale"), 1, fresh, ""},
		{"max-stale equal", maxAge100, head("Cache-Control: max-stale=20"), 120, allowed,
			"max-stale"},
		{"max-stale exceeded", maxAge100, head("Cache-Control: max-stale=20"), 121, stale, "stale"},
		{"max-stale malformed", maxAge100, head("Cache-Control: max-stale=x"), 101, stale, "stale"},
		{"max-stale empty", maxAge100, head("Cache-Control: max-stale="), 101, stale, "stale"},
		{"max-stale contradictory", maxAge100, head("Cache-Control: max-stale, max-stale=5"), 101,
			stale, "stale"},
		{"max-stale, broken field", maxAge100, head(`Cache-Control: max-stale, a="`), 101, stale,
			"stale"},
		{"max-stale, must-revalidate §5.2.2.2", revalidate, head("Cache-Control: max-stale"), 101,
			stale, "stale"},
		{"max-stale, proxy-revalidate §5.2.2.8", "max-age=100, proxy-revalidate",
			head("Cache-Control: max-stale"), 101, stale, "stale"},
		{"max-stale, s-maxage §5.2.2.10", "s-maxage=100", head("Cache-Control: max-stale"), 101,
			stale, "stale"},
		{"max-stale, no-cache", "max-age=100, no-cache", head("Cache-Control: max-stale"), 101,
			stale, "stale"},
		{"max-stale and max-age met", maxAge100, head("Cache-Control: max-stale, max-age=200"), 150,
			allowed, "max-stale"},
		{"max-stale and max-age missed", maxAge100, head("Cache-Control: max-stale, max-age=120"),
			150, stale, "stale, refused"},
		{"max-stale and min-fresh", maxAge100, head("Cache-Control: max-stale, min-fresh=1"), 150,
			stale, "stale, refused"},
		{"must-revalidate, fresh", revalidate, nil, 99, fresh, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := httpcache.Policy{}.Facts(received(200, "Cache-Control: "+tt.stored))
			age := time.Duration(tt.age) * time.Second
			got := f.Reuse(tt.request, noon.Add(age))
			reason, refused := strings.CutSuffix(tt.reason, ", refused")
			want := httpcache.Reuse{Verdict: tt.verdict, Age: age, Lifetime: f.Lifetime,
				Reason: reason}
			asked := strings.ToLower(tt.request.Get("Cache-Control") + tt.request.Get("Pragma"))
			for _, name := range []string{"min-fresh", "max-age", "no-cache"} {
				if strings.Contains(asked, name) && (refused || reason == "request") {
					want.Objection = name
				}
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestReuseOnlyIfCached_RFC9111_5_2_1_7(t *testing.T) {
	f := httpcache.Policy{}.Facts(received(200, "Cache-Control: max-age=100"))
	request := head("Cache-Control: only-if-cached")
	if got := f.Reuse(request, noon); !got.OnlyIfCached || got.Verdict != httpcache.Fresh {
		t.Errorf("fresh: %+v", got)
	}
	if got := f.Reuse(request, noon.Add(time.Hour)); !got.OnlyIfCached ||
		got.Verdict != httpcache.Stale {
		t.Errorf("stale: %+v", got)
	}
	if got := f.Reuse(nil, noon); got.OnlyIfCached {
		t.Errorf("without: %+v", got)
	}
}

func TestFactsFlags(t *testing.T) {
	tests := []struct {
		cacheControl            string
		noCache, mustRevalidate bool
	}{
		{"", false, false},
		{"max-age=5", false, false},
		{"no-cache", true, false},
		{"must-revalidate", false, true},
		{"proxy-revalidate", false, true},
		{"s-maxage=5", false, true},
		{"s-maxage=x", false, true},
		{`a="b, must-revalidate, no-cache`, true, true},
	}
	for _, tt := range tests {
		f := httpcache.Policy{}.Facts(received(200, "Cache-Control: "+tt.cacheControl))
		if f.NoCache != tt.noCache || f.MustRevalidate != tt.mustRevalidate {
			t.Errorf("%q: %+v", tt.cacheControl, f)
		}
	}
}

func TestStaleOnError_RFC9111_4_2_4(t *testing.T) {
	tests := []struct {
		name         string
		cacheControl string
		maxStale     time.Duration
		age          time.Duration
		want         bool
	}{
		{"within", "max-age=100", time.Minute, 160 * time.Second, true},
		{"beyond", "max-age=100", time.Minute, 161 * time.Second, false},
		{"just expired", "max-age=100", time.Minute, 100 * time.Second, true},
		{"never by default", "max-age=100", 0, 100 * time.Second, false},
		{"never by policy", "max-age=100", -1, 101 * time.Second, false},
		{"still fresh", "max-age=100", 0, 99 * time.Second, true},
		{"still fresh, must-revalidate", "max-age=100, must-revalidate", 0, 99 * time.Second, true},
		{"still fresh, no-cache", "max-age=100, no-cache", time.Hour, 0, false},
		{"must-revalidate", "max-age=100, must-revalidate", time.Hour, 101 * time.Second, false},
		{"proxy-revalidate", "max-age=100, proxy-revalidate", time.Hour, 101 * time.Second, false},
		{"s-maxage", "s-maxage=100", time.Hour, 101 * time.Second, false},
		{"no freshness", "public", time.Hour, time.Hour, true},
		{"explicitly none", "max-age=0", time.Hour, time.Hour, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := httpcache.Policy{Limits: httpcache.Limits{MaxStale: tt.maxStale}}.Facts(received(200, "Cache-Control: "+tt.cacheControl))
			if got := f.StaleOnError(nil, noon.Add(tt.age)); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestShareable_RFC9111_4(t *testing.T) {
	tests := []struct {
		line string
		want bool
	}{
		{"Cache-Control: max-age=1", true},
		{"Cache-Control: public", true},
		{`Etag: "v1"`, true},
		{"Cache-Control: max-age=0", false},
		{"Cache-Control: s-maxage=0, max-age=5", false},
		{"Cache-Control: max-age=x", false},
		{"Expires: 0", false},
		{"Cache-Control: no-cache", false},
		{"Cache-Control: no-cache, max-age=5", false},
	}
	for _, tt := range tests {
		f := httpcache.Policy{}.Facts(received(200, tt.line))
		if got := f.Shareable(); got != tt.want {
			t.Errorf("%s: got %v", tt.line, got)
		}
	}
}

// browser is what a browser sends with a navigation.
func browser(lines ...string) http.Header {
	return head(append(lines,
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		"Accept-Encoding: gzip, deflate, br, zstd", "Accept-Language: en-US,en;q=0.5",
		"Cookie: a=b", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate",
		"Sec-Fetch-Site: none",
		"Upgrade-Insecure-Requests: 1", "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) "+
			"Gecko/20100101 Firefox/140.0",
	)...)
}

func plainFacts() httpcache.Facts {
	return httpcache.Policy{Limits: httpcache.Limits{HeuristicLimit: time.Hour}}.Facts(received(200,
		"Cache-Control: public, max-age=3600",
		"Date: "+at(0), `Etag: "v1"`, "Last-Modified: "+at(-time.Hour), "Content-Type: text/html"))
}

func TestReuseAllocatesNothing(t *testing.T) {
	f := plainFacts()
	for _, request := range []http.Header{browser(), browser("Pragma: no-cache"),
		browser("Cache-Control: max-age=0, max-stale=5")} {
		noAllocations(t, func() { f.Reuse(request, noon) })
	}
}

func BenchmarkReuse(b *testing.B) {
	f := plainFacts()
	for _, bench := range []struct {
		name    string
		request http.Header
	}{
		{"plain", browser()},
		{"reload", browser("Cache-Control: max-age=0")},
		{"hard reload", browser("Cache-Control: no-cache", "Pragma: no-cache")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			now := noon.Add(time.Minute)
			b.ReportAllocs()
			for b.Loop() {
				f.Reuse(bench.request, now)
			}
		})
	}
}

func BenchmarkFacts(b *testing.B) {
	r := received(200, "Cache-Control: public, max-age=3600", "Date: "+at(0), `Etag: "v1"`)
	b.ReportAllocs()
	for b.Loop() {
		httpcache.Policy{}.Facts(r)
	}
}
