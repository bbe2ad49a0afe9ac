package proxy

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

var noon = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// decider is the rules of the tests: contents of more than 100 bytes are too large to be kept as a
// whole unless they can be asked for in parts.
func decider() *rules {
	return &rules{
		policy:  httpcache.Policy{MaxStale: time.Hour},
		now:     func() time.Time { return noon },
		streams: func(rec *store.Record) bool { return rec.Length > 100 && !rec.Rangeable },
	}
}

// stored returns a record that came so long ago, with fields given as "Name: value".
func (r *rules) stored(age time.Duration, fields ...string) *store.Record {
	h := header(fields...)
	h.Set("Date", noon.Add(-age).Format(http.TimeFormat))
	rec := store.NewRecord()
	rec.Key, rec.Version, rec.Status, rec.Length = "a", "v1", http.StatusOK, 10
	rec.SetFields(h)
	rec.SetTimes(noon.Add(-age), noon.Add(-age))
	rec.Prepared = newView(rec, r.policy)
	return rec
}

func header(fields ...string) http.Header {
	h := http.Header{}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		h.Add(name, value)
	}
	return h
}

func asks(method string, fields ...string) *request {
	h := header(fields...)
	return &request{method: method, resource: "a", header: h, authorized: len(h["Authorization"]) > 0}
}

// TestDecide: each kind of request and of what is found for it.
func TestDecide(t *testing.T) {
	r := decider()
	fresh := func(fields ...string) *found {
		return &found{key: "a", rec: r.stored(time.Second, append(fields, "Cache-Control: max-age=60", `Etag: "1"`)...)}
	}
	stale := func(fields ...string) *found {
		return &found{key: "a", rec: r.stored(time.Minute, append(fields, "Cache-Control: max-age=9", `Etag: "1"`)...)}
	}
	with := func(f *found, change func(f *found)) *found {
		change(f)
		return f
	}
	pass := func(length int64) *found {
		return with(fresh(), func(f *found) { f.rec.Pass, f.rec.Length = true, length })
	}
	none := func() *found { return &found{key: "a"} }
	for _, tt := range []struct {
		name   string
		q      *request
		f      *found
		action action
		why    reason
		fwd    string
	}{
		{"fresh", asks("GET"), fresh(), actServe, whyFresh, ""},
		{"nothing", asks("GET"), none(), actFetch, whyMiss, "uri-miss"},
		{"other variants", asks("GET"), with(none(), func(f *found) { f.variants = true }), actFetch, whyMiss, "vary-miss"},
		{"parts", asks("GET", "Range: bytes=0-1"), with(none(), func(f *found) { f.parts = true }), actFetch, whyPart, "partial"},
		{"parts, whole", asks("GET"), with(none(), func(f *found) { f.parts = true }), actFetch, whyMiss, "uri-miss"},
		{"stale", asks("GET"), stale(), actRevalidate, whyStale, "stale"},
		{"stale, no validator", asks("GET"), &found{rec: r.stored(time.Minute, "Cache-Control: max-age=9")}, actFetch, whyStale, "stale"},
		{"max-stale", asks("GET", "Cache-Control: max-stale"), stale(), actServe, whyMaxStale, ""},
		{"meanwhile", asks("GET"), &found{rec: r.stored(time.Minute, "Cache-Control: max-age=9, stale-while-revalidate=99")}, actServe, whyMeanwhile, ""},
		{"resting", asks("GET"), with(stale(), func(f *found) { f.rec.RetryAfter = store.Until(noon.Add(time.Second)) }), actServe, whyResting, ""},
		{"resting, unaccepted", asks("GET", "Cache-Control: no-cache"), with(stale(), func(f *found) { f.rec.RetryAfter = store.Until(noon.Add(time.Second)) }), actRevalidate, whyStale, "stale"},
		{"unaccepted", asks("GET", "Cache-Control: no-cache"), fresh(), actRevalidate, whyUnaccepted, "request"},
		{"doubted", asks("GET"), with(fresh(), func(f *found) { f.mustRevalidate = true }), actRevalidate, whyDoubted, "stale"},
		{"gone", asks("GET"), with(fresh(), func(f *found) { f.gone, f.tries = f.rec, 1 }), actFetch, whyMiss, "uri-miss"},
		{"changing", asks("GET"), with(fresh(), func(f *found) { f.gone, f.tries = f.rec, restarts }), actForward, whyChanging, "uri-miss"},
		{"authorized", asks("GET", "Authorization: x"), fresh(), actFetch, whyPrivate, "request"},
		{"authorized, nothing", asks("GET", "Authorization: x"), none(), actFetch, whyPrivate, "uri-miss"},
		{"authorized, public", asks("GET", "Authorization: x"), &found{rec: r.stored(0, "Cache-Control: public, max-age=9")}, actServe, whyFresh, ""},
		{"no-store, fresh", asks("GET", "Cache-Control: no-store"), fresh(), actServe, whyFresh, ""},
		{"no-store, nothing", asks("GET", "Cache-Control: no-store"), none(), actLook, 0, ""},
		{"no-store, nothing anywhere", asks("GET", "Cache-Control: no-store"), with(none(), func(f *found) { f.looked = true }), actForward, whyNoStore, "request"},
		{"no-store, stale", asks("GET", "Cache-Control: no-store"), stale(), actForward, whyNoStore, "request"},
		{"only-if-cached, stale", asks("GET", "Cache-Control: only-if-cached"), with(stale(), func(f *found) { f.looked = true }), actRefuse, whyOnlyIfCached, ""},
		{"only-if-cached, at the owner", asks("GET", "Cache-Control: only-if-cached"), with(none(), func(f *found) {
			f.looked, f.atOwner = true, &store.Result{Record: fresh().rec, Peer: "b"}
		}), actServe, whyFresh, ""},
		{"only-if-cached, not stored", asks("GET", "Cache-Control: only-if-cached"), pass(10), actRefuse, whyOnlyIfCached, ""},
		{"not stored", asks("GET"), pass(10), actForward, whyNotStorable, "bypass"},
		{"too large", asks("GET"), pass(1000), actForward, whyNotStorable, "bypass"},
		{"too large, range", asks("GET", "Range: bytes=0-1"), pass(1000), actFetch, whyPart, "partial"},
		{"too large, HEAD", asks("HEAD"), pass(1000), actForward, whyNotStorable, "bypass"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := r.decide(tt.q, tt.f)
			if d.action != tt.action || d.why != tt.why || d.status.fwd != tt.fwd {
				t.Errorf("action %d because %d, fwd=%s; want %d, %d, %s", d.action, d.why, d.status.fwd, tt.action, tt.why, tt.fwd)
			}
			if again := r.decide(tt.q, tt.f); again != d {
				t.Errorf("it decides otherwise the second time: %+v, %+v", d, again)
			}
		})
	}
}

// TestDecideAtOnce: what needs no lookup.
func TestDecideAtOnce(t *testing.T) {
	for _, tt := range []struct {
		q      request
		action action
		why    reason
		code   int
	}{
		{request{method: "GET", looped: true}, actRefuse, whyLooped, 508},
		{request{method: "DELETE", looped: true}, actRefuse, whyLooped, 508},
		{request{method: "PURGE"}, actRefuse, whyMethod, 405},
		{request{method: "TRACE", exhausted: true}, actRefuse, whyMaxForwards, 405},
		{request{method: "OPTIONS", exhausted: true}, actRefuse, whyMaxForwards, 200},
		{request{method: "OPTIONS"}, actForward, whyUnread, 0},
		{request{method: "POST"}, actForward, whyUnread, 0},
		{request{method: "GET", upgrade: true}, actForward, whyUpgrade, 0},
	} {
		if d, ok := decider().atOnce(&tt.q); !ok || d.action != tt.action || d.why != tt.why || d.code != tt.code {
			t.Errorf("%+v: %+v, %v", tt.q, d, ok)
		}
	}
	for _, method := range []string{"GET", "HEAD"} {
		if d, ok := decider().atOnce(&request{method: method}); ok {
			t.Errorf("%s: %+v", method, d)
		}
	}
}

// TestDecisionsKeepTheRules: whatever is asked and found, what the RFCs forbid isn't done, at the
// first decision and after each result of a fetch.
func TestDecisionsKeepTheRules(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	maybe := func() bool { return random.IntN(3) == 0 }
	r := decider()
	record := func() *store.Record {
		fields := []string{"Cache-Control: " + pick("max-age=60", "max-age=60, public", "max-age=0", "no-cache", "max-age=9, must-revalidate", "max-age=9, stale-while-revalidate=99", "max-age=9, stale-if-error=99")}
		if maybe() {
			fields = append(fields, `Etag: "1"`)
		}
		rec := r.stored(time.Duration(random.IntN(120))*time.Second, fields...)
		rec.Pass, rec.Version, rec.Length = maybe(), pick("v1", "v2"), int64(random.IntN(200))
		if maybe() {
			rec.RetryAfter = store.Until(noon.Add(time.Second))
		}
		return rec
	}
	for range 100_000 {
		q := asks(pick("GET", "HEAD"))
		if maybe() {
			q.header.Set("Cache-Control", pick("no-cache", "no-store", "only-if-cached", "max-stale", "max-age=5", "min-fresh=20"))
		}
		if maybe() {
			q.header.Set("Range", pick("bytes=0-1", "bytes=0-1,3-4", "bytes=x"))
		}
		if q.authorized = maybe(); q.authorized {
			q.header.Set("Authorization", "x")
		}
		f := &found{key: "a", mustRevalidate: maybe(), variants: maybe(), parts: maybe(), tries: random.IntN(restarts + 1), looked: maybe()}
		if maybe() {
			f.gone = record()
		}
		if !maybe() {
			f.rec = record()
		}
		if f.looked && maybe() {
			f.atOwner = &store.Result{Record: record(), Peer: "b"}
		}
		d := r.decide(q, f)
		if text := unruly(r, q, f, &d); text != "" {
			t.Fatalf("%s: %+v for %+v of %+v", text, d, q, f)
		}
		for tries := 0; d.action == actFetch || d.action == actRevalidate; tries++ {
			if tries > restarts+1 {
				t.Fatalf("it fetches and fetches: %+v for %+v", d, q)
			}
			if maybe() {
				failure := &store.Failure{Status: 502, Kind: "x", Err: fmt.Errorf("x")}
				if maybe() {
					failure.Stored = record()
				}
				d = r.failed(q, d, failure)
			} else {
				d = r.fetched(q, d, &store.Result{Record: record(), Found: maybe(), Collapsed: maybe() && !d.alone, Renewed: maybe()}, tries)
			}
			if text := unruly(r, q, &found{}, &d); text != "" {
				t.Fatalf("after a fetch, %s: %+v for %+v", text, d, q)
			}
		}
	}
}

// unruly says which rule d breaks; "" if it breaks none.
func unruly(r *rules, q *request, f *found, d *decision) string {
	asksOrigin := d.action == actFetch || d.action == actRevalidate || d.action == actForward
	stored := d.action == actServe && d.result == nil
	switch {
	case r.wants(q, "only-if-cached") && asksOrigin && f.tries < restarts && f.key != "":
		return "only-if-cached has the origin asked"
	case r.wants(q, "no-store") && (d.action == actFetch || d.action == actRevalidate):
		return "what no-store forbids to share is fetched for others"
	case d.action == actServe && d.rec == nil, d.action == actRevalidate && d.rec == nil, d.action == actRelay && d.result == nil:
		return "there is no record"
	case d.action == actServe && d.rec.Pass:
		return "what isn't stored is served"
	case stored && q.authorized && !shared(d.rec):
		return "what is for others is served to a request with Authorization"
	case stored && d.rec == f.rec && (f.mustRevalidate || f.gone != nil && f.gone.Version == d.rec.Version):
		return "what is doubted or gone is served"
	case stored && preparedOf(d.rec).facts.NoCache:
		return "no-cache is served without validation"
	case stored && preparedOf(d.rec).facts.MustRevalidate && d.use.Age >= d.use.Lifetime:
		return "must-revalidate is served stale"
	case (d.outcome == outcomeHit) != (d.why == whyFresh):
		return "what is no hit counts as one"
	case d.outcome == outcomeHit && d.use.Age >= d.use.Lifetime:
		return "a stale response counts as a hit"
	case d.action == actForward && (d.outcome != outcomePass || d.status.fwd == ""):
		return "what is forwarded doesn't say so"
	case d.action == actRefuse && d.code < 200:
		return "a refusal has no status"
	case d.action != actFetch && d.action != actRevalidate && d.action != actRelay && d.why != whyFetched && d.why != whyFailed && d.why != whyOnError && d.why != whyChanging && d.action != actLook && words[d.why].text == "":
		return "Explain has no words"
	}
	return ""
}
