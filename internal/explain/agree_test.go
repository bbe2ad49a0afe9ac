package explain

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

type situation struct {
	policy   httpcache.Policy
	request  http.Header
	response *httpcache.Response
	now      time.Time
}

func generated(random *rand.Rand) situation {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	some := func(h http.Header, name string, of ...string) {
		for random.IntN(5) < 2 && len(h[http.CanonicalHeaderKey(name)]) < 3 {
			h.Add(name, pick(of...))
		}
	}
	policy := httpcache.Policy{
		Limits: httpcache.Limits{HeuristicLimit: time.Duration(random.IntN(2)) * time.Minute,
			NegativeTTL: time.Duration(random.IntN(2)) * 10 * time.Second,
			MaxStale:    time.Duration(random.IntN(2)) * time.Hour},
		PrivateCookies: random.IntN(4) == 0, IgnoreRequest: random.IntN(4) == 0,
	}
	if random.IntN(2) == 0 {
		policy.Targets = []string{"Scurry-Cache-Control", "Cdn-Cache-Control"}
	}
	directives := []string{"max-age=60", "max-age=0", "max-age=x", "s-maxage=30", "s-maxage",
		"no-store", "no-cache", "private", "public", `no-cache="a"`, "must-revalidate",
		"proxy-revalidate", "must-understand", "stale-while-revalidate=20", "stale-if-error=40",
		"stale-if-error=x", "stale-if-error=0", `a="`, "max-age=99999999999", "immutable"}
	dates := []string{at(0), at(-time.Minute), at(time.Minute), at(-24 * time.Hour), "0", "today"}
	h := http.Header{}
	some(h, "Cache-Control", directives...)
	some(h, "Scurry-Cache-Control", directives...)
	some(h, "CDN-Cache-Control", directives...)
	some(h, "Expires", dates...)
	some(h, "Date", dates...)
	some(h, "Last-Modified", dates...)
	some(h, "ETag", `"a"`, `W/"b"`, "c", "\"\xff\x01\"")
	some(h, "Age", "5", "100", "-1", "x, 5", "")
	some(h, "Vary", "Accept", "*", "Accept-Encoding, Origin", "a b")
	some(h, "Set-Cookie", "a=secret")
	request := http.Header{}
	some(request, "Cache-Control", "no-cache", "no-store", "max-age=20", "max-age=0", "max-age",
		"min-fresh=10", "min-fresh=x", "max-stale", "max-stale=10", "max-stale=x",
		"only-if-cached", "stale-if-error=50", "stale-if-error=x", `a="`)
	some(request, "Pragma", "no-cache", "x")
	some(request, "Authorization", "secret")
	status := []int{200, 200, 200, 204, 206, 299, 301, 302, 304, 404, 410, 429, 500, 503, 600,
		100}[random.IntN(16)]
	r := &httpcache.Response{Status: status, Header: h,
		RequestTime: noon.Add(-time.Duration(random.IntN(3)) * time.Second), ResponseTime: noon}
	return situation{policy, request, r, noon.Add(time.Duration(random.IntN(200)) * time.Second)}
}

// storing holds lines against Storable.
func (g situation) storing(t *testing.T, lines []Line) {
	ok, reason := g.policy.Storable(http.MethodGet, g.request, g.response)
	contains := map[string]string{
		httpcache.ReasonStatus: "status", httpcache.ReasonUnderstand: "must-understand",
		httpcache.ReasonPartial: "206", httpcache.ReasonRequest: "the request says no-store",
		httpcache.ReasonNoStore: "no-store", httpcache.ReasonVaryStar: "Vary",
		httpcache.ReasonPrivate: "private", httpcache.ReasonAuthorization: "Authorization",
		httpcache.ReasonSetCookie: "Set-Cookie", httpcache.ReasonNoCache: "no-cache",
		httpcache.ReasonUseless: "could never be used",
	}[reason]
	line, other := named(lines, "not stored"), named(lines, "freshness")
	if ok {
		line, other = other, line
	}
	if line.Section == "" || other.Text != "" || !strings.Contains(line.Text, contains) || !ok &&
		contains == "" {
		t.Errorf("Storable says %v, %q; the explanation %q, %q", ok, reason, line, other)
	}
}

// reuse holds lines against Reuse, and their numbers against Facts and Lifetime.
func (g situation) reuse(t *testing.T, lines []Line) {
	f := g.policy.Facts(g.response)
	use := f.Reuse(g.request, g.now)
	contains := "it is fresh"
	if f.Lifetime <= f.Age(g.now) {
		contains = "it is stale, and the origin has to confirm it"
	}
	switch {
	case use.Verdict == httpcache.StaleAllowed:
		contains = "max-stale"
	case use.Verdict == httpcache.StaleMeanwhile:
		contains = "stale-while-revalidate"
	case use.Reason == "request":
		contains = "doesn't accept it: "
	case f.NoCache:
		contains = "its no-cache has each use validated"
	}
	line := named(lines, "freshness")
	ttl := (f.Lifetime - f.Age(g.now)).Truncate(time.Second)
	begins := fmt.Sprintf("ends %s, with a TTL of %d s: ",
		g.now.Add(f.Lifetime-f.Age(g.now)).Format("2006-01-02 15:04:05 UTC"), ttl/time.Second)
	if !strings.HasPrefix(line.Text, begins) || !strings.Contains(line.Text, contains) ||
		(use.Verdict == httpcache.Fresh) != (line.Section == "RFC 9111 §4.2") {
		t.Errorf("Reuse says %+v; the explanation %q", use, line)
	}
	lifetime, explicit := f.Lifetime, f.Source.Explicit()
	if line = named(lines, "lifetime"); !strings.HasPrefix(line.Text, fmt.Sprintf("%d s: ",
		lifetime/time.Second)) || explicit == strings.Contains(line.Text, "none is stated") {
		t.Errorf("Lifetime says %v, %v; the explanation %q", lifetime, explicit, line)
	}
	if line = named(lines, "age"); !strings.HasPrefix(line.Text, fmt.Sprintf("%d s, ",
		f.Age(g.now)/time.Second)) {
		t.Errorf("Age says %v; the explanation %q", f.Age(g.now), line)
	}
}

var onErrorUntil = regexp.MustCompile(`origin can't be reached, or answers 500, 502, 503 or 504, sent until ([-0-9: ]+ UTC),`)

// onError holds lines against StaleOnError, at the ends of the time that they name.
func (g situation) onError(t *testing.T, lines []Line) {
	f := g.policy.Facts(g.response)
	end := g.now.Add(f.Lifetime - f.Age(g.now))
	var until time.Time
	for _, l := range lines {
		if m := onErrorUntil.FindStringSubmatch(l.Text); m != nil {
			until, _ = time.Parse("2006-01-02 15:04:05 UTC", m[1])
		}
	}
	if until.IsZero() {
		if end.After(noon) && f.StaleOnError(g.request, end) {
			t.Errorf("StaleOnError allows what the explanation doesn't tell")
		}
		return
	}
	if until.Before(noon) { // the response was that old when it came
		return
	}
	if !f.StaleOnError(g.request, until) || f.StaleOnError(g.request, until.Add(time.Second)) {
		t.Errorf("StaleOnError doesn't end at %v, as the explanation has it", until)
	}
}
