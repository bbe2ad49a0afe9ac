package decide

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

var noon = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// decider is the rules of the tests: contents of more than 100 bytes are too large to be kept as a
// whole unless they can be asked for in parts.
func decider() *Rules {
	return &Rules{
		Policy:  httpcache.Policy{Limits: httpcache.Limits{MaxStale: time.Hour}},
		Now:     func() time.Time { return noon },
		Streams: func(rec *store.Record) bool { return rec.Length > 100 && !rec.Rangeable },
	}
}

// stored returns a record that came so long ago, with fields given as "Name: value".
func (r *Rules) stored(age time.Duration, fields ...string) *store.Record {
	h := header(fields...)
	h.Set("Date", noon.Add(-age).Format(http.TimeFormat))
	rec := store.NewRecord()
	rec.Key, rec.Version, rec.Status, rec.Length = "a", "v1", http.StatusOK, 10
	rec.SetFields(h)
	rec.SetTimes(noon.Add(-age), noon.Add(-age))
	facts := r.Policy.Facts(&httpcache.Response{Status: rec.Status, Header: h,
		RequestTime: noon.Add(-age), ResponseTime: noon.Add(-age)})
	rec.Facts = facts
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

func asks(method string, fields ...string) *Request {
	h := header(fields...)
	return &Request{Method: method, Resource: "a", Header: h,
		Authorized: len(h["Authorization"]) > 0}
}

// TestDecide: each kind of request and of what is found for it.
func TestDecide(t *testing.T) {
	r := decider()
	fresh := func(fields ...string) *Found {
		return &Found{Key: "a", Record: r.stored(time.Second, append(fields,
			"Cache-Control: max-age=60", `Etag: "1"`)...)}
	}
	stale := func(fields ...string) *Found {
		return &Found{Key: "a", Record: r.stored(time.Minute, append(fields,
			"Cache-Control: max-age=9", `Etag: "1"`)...)}
	}
	with := func(f *Found, change func(f *Found)) *Found {
		change(f)
		return f
	}
	pass := func(length int64) *Found {
		return with(fresh(), func(f *Found) { f.Record.Pass, f.Record.Length = true, length })
	}
	none := func() *Found { return &Found{Key: "a"} }
	for _, tt := range []struct {
		name   string
		q      *Request
		f      *Found
		action Action
		why    Reason
		fwd    string
	}{
		{"fresh", asks("GET"), fresh(), Serve, WhyFresh, ""},
		{"nothing", asks("GET"), none(), Fetch, WhyMiss, "uri-miss"},
		{"other variants", asks("GET"), with(none(), func(f *Found) { f.Variants = true }), Fetch,
			WhyMiss, "vary-miss"},
		{"parts", asks("GET", "Range: bytes=0-1"), with(none(), func(f *Found) { f.Parts = true }),
			Fetch, WhyPart, "partial"},
		{"parts, whole", asks("GET"), with(none(), func(f *Found) { f.Parts = true }), Fetch,
			WhyMiss, "uri-miss"},
		{"stale", asks("GET"), stale(), Revalidate, WhyStale, "stale"},
		{"stale, no validator", asks("GET"), &Found{Record: r.stored(time.Minute,
			"Cache-Control: max-age=9")}, Fetch, WhyStale, "stale"},
		{"max-stale", asks("GET", "Cache-Control: max-stale"), stale(), Serve, WhyMaxStale, ""},
		{"meanwhile", asks("GET"), &Found{Record: r.stored(time.Minute,
			"Cache-Control: max-age=9, stale-while-revalidate=99")}, Serve, WhyMeanwhile, ""},
		{"resting", asks("GET"), with(stale(),
			func(f *Found) { f.Record.RetryAfter = store.Until(noon.Add(time.Second)) }), Serve,
			WhyResting, ""},
		{"resting, unaccepted", asks("GET", "Cache-Control: no-cache"), with(stale(),
			func(f *Found) { f.Record.RetryAfter = store.Until(noon.Add(time.Second)) }),
			Revalidate, WhyStale, "stale"},
		{"unaccepted", asks("GET", "Cache-Control: no-cache"), fresh(), Revalidate, WhyUnaccepted,
			"request"},
		{"unconfirmed", asks("GET"), with(fresh(), func(f *Found) { f.MustRevalidate = true }),
			Revalidate, WhyUnconfirmed, "stale"},
		{"gone", asks("GET"), with(fresh(), func(f *Found) { f.Gone, f.Tries = f.Record, 1 }),
			Fetch, WhyMiss, "uri-miss"},
		{"changing", asks("GET"), with(fresh(), func(f *Found) {
			f.Gone, f.Tries = f.Record,
				Restarts
		}), Forward, WhyChanging, "uri-miss"},
		{"authorized", asks("GET", "Authorization: x"), fresh(), Fetch, WhyPrivate, "request"},
		{"authorized, nothing", asks("GET", "Authorization: x"), none(), Fetch, WhyPrivate,
			"uri-miss"},
		{"authorized, public", asks("GET", "Authorization: x"), &Found{Record: r.stored(0,
			"Cache-Control: public, max-age=9")}, Serve, WhyFresh, ""},
		{"no-store, fresh", asks("GET", "Cache-Control: no-store"), fresh(), Serve, WhyFresh, ""},
		{"no-store, nothing", asks("GET", "Cache-Control: no-store"), none(), Look, 0, ""},
		{"no-store, nothing anywhere", asks("GET", "Cache-Control: no-store"), with(none(),
			func(f *Found) { f.Looked = true }), Forward, WhyNoStore, "request"},
		{"no-store, stale", asks("GET", "Cache-Control: no-store"), stale(), Forward, WhyNoStore,
			"request"},
		{"only-if-cached, stale", asks("GET", "Cache-Control: only-if-cached"), with(stale(),
			func(f *Found) { f.Looked = true }), Refuse, WhyOnlyIfCached, ""},
		{"only-if-cached, at the owner", asks("GET", "Cache-Control: only-if-cached"), with(none(),
			func(f *Found) {
				f.Looked, f.AtOwner = true, &store.Result{Record: fresh().Record, Peer: "b"}
			}), Serve, WhyFresh, ""},
		{"only-if-cached, not stored", asks("GET", "Cache-Control: only-if-cached"), pass(10),
			Refuse, WhyOnlyIfCached, ""},
		{"not stored", asks("GET"), pass(10), Forward, WhyNotStorable, "bypass"},
		{"too large", asks("GET"), pass(1000), Forward, WhyNotStorable, "bypass"},
		{"too large, range", asks("GET", "Range: bytes=0-1"), pass(1000), Fetch, WhyPart,
			"partial"},
		{"too large, HEAD", asks("HEAD"), pass(1000), Forward, WhyNotStorable, "bypass"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := r.Decide(tt.q, tt.f)
			if d.Action != tt.action || d.Why != tt.why || d.Status.Fwd != tt.fwd {
				t.Errorf("action %d because %d, fwd=%s; want %d, %d, %s", d.Action, d.Why,
					d.Status.Fwd, tt.action, tt.why, tt.fwd)
			}
			if again := r.Decide(tt.q, tt.f); !reflect.DeepEqual(again, d) {
				t.Errorf("it decides otherwise the second time: %+v, %+v", d, again)
			}
		})
	}
}

// TestDecideAtOnce: what needs no lookup.
func TestDecideAtOnce(t *testing.T) {
	for _, tt := range []struct {
		q      Request
		action Action
		why    Reason
		code   int
	}{
		{Request{Method: "GET", Looped: true}, Refuse, WhyLooped, 508},
		{Request{Method: "DELETE", Looped: true}, Refuse, WhyLooped, 508},
		{Request{Method: "PURGE"}, Refuse, WhyMethod, 405},
		{Request{Method: "TRACE", Exhausted: true}, Refuse, WhyMaxForwards, 405},
		{Request{Method: "OPTIONS", Exhausted: true}, Refuse, WhyMaxForwards, 200},
		{Request{Method: "OPTIONS"}, Forward, WhyUnread, 0},
		{Request{Method: "POST"}, Forward, WhyUnread, 0},
		{Request{Method: "GET", Upgrade: true}, Forward, WhyUpgrade, 0},
	} {
		if d, ok := decider().AtOnce(&tt.q); !ok || d.Action != tt.action || d.Why != tt.why ||
			d.Code != tt.code {
			t.Errorf("%+v: %+v, %v", tt.q, d, ok)
		}
	}
	for _, method := range []string{"GET", "HEAD"} {
		if d, ok := decider().AtOnce(&Request{Method: method}); ok {
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
		fields := []string{"Cache-Control: " + pick("max-age=60", "max-age=60, public", "max-age=0",
			"no-cache", "max-age=9, must-revalidate", "max-age=9, stale-while-revalidate=99",
			"max-age=9, stale-if-error=99")}
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
			q.Header.Set("Cache-Control", pick("no-cache", "no-store", "only-if-cached",
				"max-stale", "max-age=5", "min-fresh=20"))
		}
		if maybe() {
			q.Header.Set("Range", pick("bytes=0-1", "bytes=0-1,3-4", "bytes=x"))
		}
		if q.Authorized = maybe(); q.Authorized {
			q.Header.Set("Authorization", "x")
		}
		f := &Found{Key: "a", MustRevalidate: maybe(), Variants: maybe(), Parts: maybe(),
			Tries: random.IntN(Restarts + 1), Looked: maybe()}
		if maybe() {
			f.Gone = record()
		}
		if !maybe() {
			f.Record = record()
			f.Record.Invalid = f.MustRevalidate && f.Tries == 1
		}
		if f.Looked && maybe() {
			f.AtOwner = &store.Result{Record: record(), Peer: "b"}
		}
		d := r.Decide(q, f)
		if text := unruly(r, q, f, &d); text != "" {
			t.Fatalf("%s: %+v for %+v of %+v", text, d, q, f)
		}
		for tries := 0; d.Action == Fetch || d.Action == Revalidate; tries++ {
			if tries > Restarts+1 {
				t.Fatalf("it fetches and fetches: %+v for %+v", d, q)
			}
			if maybe() {
				failure := &store.Failure{Status: 502, Kind: "x", Err: fmt.Errorf("x")}
				if maybe() {
					failure.Stored = record()
					failure.Stored.Invalid = f.Tries == 1
				}
				d = r.Failed(q, d, failure)
			} else {
				d = r.Fetched(q, d, &store.Result{Record: record(), Found: maybe(),
					Collapsed: maybe() && !d.Alone, Renewed: maybe()}, tries)
			}
			if text := unruly(r, q, &Found{}, &d); text != "" {
				t.Fatalf("after a fetch, %s: %+v for %+v", text, d, q)
			}
		}
	}
}

// unruly says which rule d breaks; "" if it breaks none.
func unruly(r *Rules, q *Request, f *Found, d *Decision) string {
	asksOrigin := d.Action == Fetch || d.Action == Revalidate || d.Action == Forward
	stored := d.Action == Serve && d.Result == nil
	switch {
	case r.wants(q, "only-if-cached") && asksOrigin && f.Tries < Restarts && f.Key != "":
		return "only-if-cached has the origin asked"
	case r.wants(q, "no-store") && (d.Action == Fetch || d.Action == Revalidate):
		return "what no-store forbids to share is fetched for others"
	case d.Action == Serve && d.Record == nil, d.Action == Revalidate && d.Record == nil,
		d.Action == Relay && d.Result == nil:
		return "there is no record"
	case d.Action == Serve && d.Record.Pass:
		return "what isn't stored is served"
	case stored && d.Record.Invalid:
		return "what is invalid is served"
	case stored && q.Authorized && !d.Record.Facts.Shared:
		return "what is for others is served to a request with Authorization"
	case stored && d.Record == f.Record && (f.MustRevalidate || f.Gone != nil &&
		f.Gone.Version == d.Record.Version):
		return "what is doubted or gone is served"
	case stored && d.Record.Facts.NoCache:
		return "no-cache is served without validation"
	case stored && d.Record.Facts.MustRevalidate && d.Use.Age >= d.Use.Lifetime:
		return "must-revalidate is served stale"
	case (d.Outcome == OutcomeHit) != (d.Why == WhyFresh):
		return "what is no hit counts as one"
	case d.Outcome == OutcomeHit && d.Use.Age >= d.Use.Lifetime:
		return "a stale response counts as a hit"
	case d.Action == Forward && (d.Outcome != OutcomePass || d.Status.Fwd == ""):
		return "what is forwarded doesn't say so"
	case d.Action == Refuse && d.Code < 200:
		return "a refusal has no status"
	}
	return ""
}
