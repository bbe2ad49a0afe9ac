package httpcache_test

import (
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// Responses of these tests have a lifetime of 100 s, so that one of age 130 s has been stale for 30
// s.
func staleFor(d time.Duration) time.Time { return noon.Add(100*time.Second + d) }

func TestStaleOnError_RFC5861_4(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name      string
		stored    string // beside max-age=100
		request   string // Cache-Control
		maxStale  time.Duration
		staleness time.Duration
		want      bool
	}{
		{"response, within", "stale-if-error=30", "", 0, 29 * s, true},
		{"response, at the bound", "stale-if-error=30", "", 0, 30 * s, true},
		{"response, beyond", "stale-if-error=30", "", 0, 30*s + 1, false},
		{"response, in the first instant", "stale-if-error=30", "", 0, 0, true},
		{"response, huge", "stale-if-error=99999999999", "", 0, 1000000 * s, true},
		{"response, more than the operator's", "stale-if-error=30", "", 10 * s, 30 * s, true},
		{"response, less than the operator's", "stale-if-error=30", "", 60 * s, 31 * s, false},
		{"response, zero", "stale-if-error=0", "", 60 * s, 0, false},
		{"response, malformed", "stale-if-error=x", "", 60 * s, 0, false},
		{"response, without a value", "stale-if-error", "", 60 * s, 0, false},
		{"response, contradictory", "stale-if-error=30, stale-if-error=31", "", 60 * s, 0, false},
		{"response, broken field", `stale-if-error=30, a="`, "", 60 * s, 0, false},
		{"response, while revalidating isn't on error", "stale-while-revalidate=30", "", 0, 0,
			false},
		{"response, fresh in spite of zero", "stale-if-error=0", "", 0, -1, true},

		{"request, within", "", "stale-if-error=30", 0, 29 * s, true},
		{"request, at the bound", "", "stale-if-error=30", 0, 30 * s, true},
		{"request, beyond", "", "stale-if-error=30", 0, 30*s + 1, false},
		{"request, quoted", "", `stale-if-error="30"`, 0, 30 * s, true},
		{"request, zero", "", "stale-if-error=0", 0, 0, false},
		{"request, malformed", "", "stale-if-error=30s", 0, 0, false},
		{"request, without a value", "", "stale-if-error", 0, 0, false},
		{"request, broken field", "", `stale-if-error=30, a="`, 0, 0, false},
		{"request, another directive", "", "max-stale=30", 0, 0, false},

		{"both, the response's is larger", "stale-if-error=30", "stale-if-error=10", 0, 30 * s,
			true},
		{"both, the request's is larger", "stale-if-error=10", "stale-if-error=30", 0, 30 * s,
			true},
		{"both, beyond", "stale-if-error=10", "stale-if-error=30", 0, 31 * s, false},

		{"operator, at the bound", "", "", 30 * s, 30 * s, true},
		{"operator, beyond", "", "", 30 * s, 30*s + 1, false},
		{"operator, none", "", "", 0, 0, false},
		{"operator, negative", "", "", -s, 0, false},
		{"operator, without end", "", "", 1<<63 - 1, 1000000 * s, true},

		{"forbidden by must-revalidate", "stale-if-error=30, must-revalidate", "stale-if-error=30",
			30 * s, 0, false},
		{"forbidden by proxy-revalidate", "stale-if-error=30, proxy-revalidate",
			"stale-if-error=30", 30 * s, 0, false},
		{"forbidden by s-maxage", "stale-if-error=30, s-maxage=100", "stale-if-error=30", 30 * s, 0,
			false},
		{"forbidden by no-cache", "stale-if-error=30, no-cache", "stale-if-error=30", 30 * s, 0,
			false},
		{"forbidden by no-cache, fresh", "stale-if-error=30, no-cache", "stale-if-error=30", 30 * s,
			-s, false},

		// The request's other directives made the cache ask, but they don't say what to do when
		// there is no answer.
		{"request no-cache", "stale-if-error=30", "no-cache", 0, 10 * s, true},
		{"request max-age", "", "max-age=0, stale-if-error=30", 0, 10 * s, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := httpcache.Policy{Limits: httpcache.Limits{MaxStale: tt.maxStale}}.Facts(received(200, "Cache-Control: max-age=100", "Cache-Control: "+tt.stored))
			if got := f.StaleOnError(head("Cache-Control: "+tt.request),
				staleFor(tt.staleness)); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestStaleWhileRevalidate_RFC5861_3(t *testing.T) {
	const (
		stale     = httpcache.Stale
		allowed   = httpcache.StaleAllowed
		meanwhile = httpcache.StaleMeanwhile
		s         = time.Second
	)
	tests := []struct {
		name      string
		stored    string // beside max-age=100
		request   string // Cache-Control
		staleness time.Duration
		verdict   httpcache.Verdict
	}{
		{"fresh", "stale-while-revalidate=30", "", -1, httpcache.Fresh},
		{"first instant", "stale-while-revalidate=30", "", 0, meanwhile},
		{"last instant", "stale-while-revalidate=30", "", 30*s - 1, meanwhile},
		{"end of the window", "stale-while-revalidate=30", "", 30 * s, stale},
		{"beyond", "stale-while-revalidate=30", "", 31 * s, stale},
		{"huge", "stale-while-revalidate=99999999999", "", 1000000 * s, meanwhile},
		{"zero", "stale-while-revalidate=0", "", 0, stale},
		{"malformed", "stale-while-revalidate=30s", "", 0, stale},
		{"without a value", "stale-while-revalidate", "", 0, stale},
		{"contradictory", "stale-while-revalidate=30, stale-while-revalidate=31", "", 0, stale},
		{"broken field", `stale-while-revalidate=30, a="`, "", 0, stale},
		{"on error isn't while revalidating", "stale-if-error=30", "", 0, stale},
		{"of the request", "", "stale-while-revalidate=30", 0, stale},

		{"must-revalidate", "stale-while-revalidate=30, must-revalidate", "", 0, stale},
		{"proxy-revalidate", "stale-while-revalidate=30, proxy-revalidate", "", 0, stale},
		{"s-maxage", "stale-while-revalidate=30, s-maxage=100", "", 0, stale},
		{"no-cache", "stale-while-revalidate=30, no-cache", "", 0, stale},

		{"request no-cache", "stale-while-revalidate=30", "no-cache", 0, stale},
		{"request max-age met", "stale-while-revalidate=30", "max-age=110", 10 * s, meanwhile},
		{"request max-age missed", "stale-while-revalidate=30", "max-age=109", 10 * s, stale},
		{"request min-fresh", "stale-while-revalidate=30", "min-fresh=0", s, stale},
		{"request max-stale goes first", "stale-while-revalidate=30", "max-stale=10", 10 * s,
			allowed},
		{"request max-stale ends before", "stale-while-revalidate=30", "max-stale=10", 10*s + 1,
			meanwhile},
		{"request max-stale ends after", "stale-while-revalidate=10", "max-stale=30", 30 * s,
			allowed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := httpcache.Policy{}.Facts(received(200, "Cache-Control: max-age=100",
				"Cache-Control: "+tt.stored))
			got := f.Reuse(head("Cache-Control: "+tt.request), staleFor(tt.staleness))
			if got.Verdict != tt.verdict || tt.verdict == meanwhile &&
				got.Reason != "stale-while-revalidate" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A response without freshness of its own is stale from the beginning, which is where the windows
// begin, too.
func TestStaleFromTheBeginning_RFC5861(t *testing.T) {
	f := httpcache.Policy{}.Facts(received(200, "Cache-Control: max-age=0, "+
		"stale-while-revalidate=5, stale-if-error=10"))
	for _, tt := range []struct {
		age     time.Duration
		verdict httpcache.Verdict
		onError bool
	}{
		{0, httpcache.StaleMeanwhile, true},
		{5 * time.Second, httpcache.Stale, true},
		{10 * time.Second, httpcache.Stale, true},
		{11 * time.Second, httpcache.Stale, false},
	} {
		now := noon.Add(tt.age)
		if u, onError := f.Reuse(nil, now), f.StaleOnError(nil, now); u.Verdict != tt.verdict ||
			onError != tt.onError {
			t.Errorf("age %v: %+v, on error %v", tt.age, u, onError)
		}
	}
}
