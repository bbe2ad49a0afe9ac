package httpcache_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/race"
)

// properties are what holds of every scenario, whatever the formulas come to.
var properties = []struct {
	name  string
	check func(*testing.T, scenario)
}{
	{"age grows", ageGrows},
	{"freshness is positive", freshnessIsPositive},
	{"stale stays stale", staleStaysStale},
	{"no-cache", noCacheIsNeverFresh},
	{"must-revalidate", mustRevalidateIsNeverStale},
	{"malformed is stale", malformedIsStale},
	{"contradictory is stale", contradictoryIsStale},
	{"no-store", noStoreIsntStored},
	{"targeted", targetedReplaces},
	{"ignored request", ignoredRequest},
}

func TestProperties_RFC9111(t *testing.T) {
	for _, p := range properties {
		t.Run(p.name, func(t *testing.T) {
			eachScenario(race.Cases(600), func(s scenario) bool {
				p.check(t, s)
				return !t.Failed()
			})
		})
	}
}

// afterwards are moments after a scenario's, in their order.
func afterwards(now time.Time) []time.Time {
	var times []time.Time
	const century = 100 * 365 * 24 * time.Hour
	for _, d := range []time.Duration{1, time.Second, 5 * time.Second, 20 * time.Second,
		time.Minute, time.Hour, century, math.MaxInt64} {
		times = append(times, now.Add(d))
	}
	return times
}

func ageGrows(t *testing.T, s scenario) {
	f := s.policy.Facts(s.response)
	before := f.Age(s.now)
	for _, now := range afterwards(s.now) {
		age := f.Age(now)
		if before < 0 || age < before {
			t.Errorf("age %v, then %v at %v\n%v", before, age, now, s)
		}
		before = age
	}
}

// freshnessIsPositive: no number is so large that it comes out as a small one.
func freshnessIsPositive(t *testing.T, s scenario) {
	u := s.reuse()
	if u.Lifetime < 0 || u.Lifetime > clamp || u.Age < 0 || u.Verdict == httpcache.Fresh &&
		u.Lifetime-u.Age <= 0 {
		t.Errorf("%+v\n%v", u, s)
	}
	for _, huge := range []string{"2147483648", "9223372036854775807", "9223372036854775808",
		"18446744073709551617", "99999999999999999999999999999"} {
		s := s.clone().untargeted()
		s.response.Header["Cache-Control"] = []string{"s-maxage=" + huge}
		if lifetime, _ := s.policy.Lifetime(s.response); lifetime != clamp {
			t.Errorf("s-maxage=%s lasts %v", huge, lifetime)
		}
	}
}

// staleStaysStale: for the same request, time can only make a verdict worse.
func staleStaysStale(t *testing.T, s scenario) {
	f := s.policy.Facts(s.response)
	before, beforeOnError := f.Reuse(s.request, s.now).Verdict, f.StaleOnError(s.request, s.now)
	for _, now := range afterwards(s.now) {
		verdict, onError := f.Reuse(s.request, now).Verdict, f.StaleOnError(s.request, now)
		if before == httpcache.Stale && verdict != httpcache.Stale || before != httpcache.Fresh &&
			verdict == httpcache.Fresh || onError && !beforeOnError {
			t.Errorf("verdict %v, on error %v, but at %v %v, %v\n%v", before, beforeOnError, now,
				verdict, onError, s)
		}
		before, beforeOnError = verdict, onError
	}
}

func noCacheIsNeverFresh(t *testing.T, s scenario) {
	for _, directive := range []string{"no-cache", `no-cache="set-cookie"`, "NO-CACHE",
		"no-cache="} {
		s := s.untargeted().saying("Cache-Control", directive)
		for _, now := range append(afterwards(s.now), s.now, s.response.ResponseTime) {
			if s.now = now; s.reuse().Verdict != httpcache.Stale || s.staleOnError() {
				t.Errorf("%s: %+v, on error %v\n%v", directive, s.reuse(), s.staleOnError(), s)
			}
		}
	}
}

// mustRevalidateIsNeverStale covers §5.2.2.2, §5.2.2.8 and §5.2.2.10.
func mustRevalidateIsNeverStale(t *testing.T, s scenario) {
	s.policy.MaxStale = time.Hour
	for _, directive := range []string{"must-revalidate", "Proxy-Revalidate", "s-maxage=5",
		"s-maxage=x", "must-revalidate=1"} {
		s := s.untargeted().saying("Cache-Control", directive+
			", stale-while-revalidate=600, stale-if-error=600")
		u := s.reuse()
		if expired := u.Age >= u.Lifetime; expired && (u.Verdict != httpcache.Stale ||
			s.staleOnError()) {
			t.Errorf("%s: %+v, on error %v\n%v", directive, u, s.staleOnError(), s)
		}
	}
}

// malformedIsStale: §4.2.1, §5.3.
func malformedIsStale(t *testing.T, s scenario) {
	for _, number := range []string{"", "=", "=x", "=-1", "=1.5", "=+5", "=5s", "= 5 0", `="5`,
		`="5"5`, "='5'", "=0x5", "=1e9", "=\u0665"} {
		for _, line := range []string{"s-maxage" + number, "max-age" + number} {
			s := s.untargeted().saying("Cache-Control", line)
			if line[0] == 'm' && s.policy.Facts(s.response).MustRevalidate {
				continue // there may be an s-maxage, which goes before max-age
			}
			never(t, line, s)
		}
	}
	for _, date := range []string{"", "0", "-1", "noon", "Wed, 01 Jul 2126 12:00:00 EST",
		"2126-07-01T12:00:00Z"} {
		s := s.untargeted().clone()
		s.policy.HeuristicLimit = time.Hour
		s.response.Header["Cache-Control"] = []string{"public"}
		s.response.Header["Expires"] = []string{date}
		s.response.Header["Last-Modified"] = []string{at(-1000 * time.Hour)}
		never(t, "Expires: "+date, s)
	}
	// RFC 9213 §2.1
	for _, value := range []string{"", "=-1", "=60.0", `="60"`, "=sixty", "=(60)", "=?0", "=@60"} {
		s := s.clone()
		s.policy.Targets = []string{"Cdn-Cache-Control"}
		s.response.Header["Cdn-Cache-Control"] = []string{"max-age" + value}
		never(t, "CDN-Cache-Control: max-age"+value, s)
	}
}

func contradictoryIsStale(t *testing.T, s scenario) {
	for _, line := range []string{"s-maxage=600, S-MaxAge=601", `s-maxage="600", s-maxage="601"`,
		"s-maxage=600, s-maxage", "s-maxage=x, s-maxage=600"} {
		never(t, line, s.untargeted().saying("Cache-Control", line))
	}
	s = s.untargeted().clone()
	s.response.Header["Cache-Control"] = []string{"max-age=600", "public, max-age=601"}
	never(t, "max-age", s)
	s.response.Header["Cache-Control"] = []string{"public"}
	s.response.Header["Expires"] = []string{at(time.Hour), at(2 * time.Hour)}
	never(t, "Expires", s)
}

// never checks that the response isn't fresh, and has no freshness by heuristics.
func never(t *testing.T, what string, s scenario) {
	t.Helper()
	lifetime, explicit := s.policy.Lifetime(s.response)
	if u := s.reuse(); lifetime != 0 || !explicit || u.Verdict == httpcache.Fresh ||
		u.Reason == "request" {
		t.Errorf("%s: lifetime %v, %v, %+v\n%v", what, lifetime, explicit, u, s)
	}
}

// noStoreIsntStored: §5.2.2.5, and §5.2.2.3.
func noStoreIsntStored(t *testing.T, s scenario) {
	targeted := slices.ContainsFunc(s.policy.Targets, func(name string) bool {
		_, ok := readTargeted(s.response.Header[name])
		return ok
	})
	said, _ := textbook{s.policy, s.response}.responseSays()
	for _, directive := range []string{"no-store", "No-Store", "no-store=x"} {
		forbidden := s.saying("Cache-Control", directive)
		ok, reason := forbidden.policy.Storable("GET", nil, forbidden.response)
		before, _ := s.policy.Storable("GET", nil, s.response)
		switch {
		case targeted: // RFC 9213 §2.2: it means nothing
			if ok != before {
				t.Errorf("%v (%q) with %s, %v without\n%v", ok, reason, directive, before, s)
			}
		case ok && (!said.has("must-understand") || !before):
			t.Errorf("stored in spite of %s\n%v", directive, s)
		case ok && (said.wrong || s.response.Status == 299 || s.response.Status == 599):
			t.Errorf("not understood, but stored in spite of %s\n%v", directive, s)
		}
	}
}

// targetedReplaces: with a valid targeted field, Cache-Control and Expires mean nothing; with an
// invalid one, it doesn't (RFC 9213 §2.1, §2.2).
func targetedReplaces(t *testing.T, s scenario) {
	s.policy.Targets = []string{"Cdn-Cache-Control"}
	s = s.clone()
	if s.response.Header["Cdn-Cache-Control"] == nil {
		s.response.Header["Cdn-Cache-Control"] = []string{"max-age=30, stale-while-revalidate=5"}
	}
	other := s.clone()
	if _, ok := readTargeted(s.response.Header["Cdn-Cache-Control"]); ok {
		other.response.Header["Cache-Control"] = []string{"s-maxage=7, no-cache, private"}
		other.response.Header["Expires"] = []string{"0"}
	} else {
		delete(other.response.Header, "Cdn-Cache-Control")
	}
	if got, want := other.policy.Facts(other.response), s.policy.Facts(s.response); got != want {
		t.Errorf("%+v\n%+v\n%v\n%v", got, want, other, s)
	}
}

func ignoredRequest(t *testing.T, s scenario) {
	s.policy.IgnoreRequest = true
	without := s
	without.request = nil
	if s.reuse() != without.reuse() || s.staleOnError() != without.staleOnError() {
		t.Errorf("%+v\n%+v\n%v", s.reuse(), without.reuse(), s)
	}
	if ok, reason := s.policy.Storable("GET", s.request,
		s.response); reason == httpcache.ReasonRequest {
		t.Errorf("storable: %v, %q\n%v", ok, reason, s)
	}
}
