package decide

import (
	"net/http"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Restarts bounds how often a request begins anew because the version that it was to be answered
// from went away, and how often it is fetched because what came doesn't suffice.
const Restarts = 3

// Rules decide what is done about requests. They ask no one and change nothing.
type Rules struct {
	Policy  httpcache.Policy
	Now     func() time.Time
	Streams func(*store.Record) bool // whether a content is too large to be kept as a whole

	ReadOnly bool // only methods that change nothing are let through
}

// Found is what a lookup has found for a request.
type Found struct {
	Key             string // that a response for the request is stored under
	Record          *store.Record
	MustRevalidate  bool // rec must not be used before its owner has been asked
	Variants, Parts bool // if rec is nil: whether there are responses for other requests, and parts

	Tries int           // how often a response went away while it was to be sent
	Gone  *store.Record // the last one

	Looked  bool          // the owner has been asked for what it has stored
	AtOwner *store.Result // nil if there is nothing, or the owner couldn't be asked
}

// AtOnce says what is done about a request for which nothing has to be looked up; ok is false for
// all others.
func (r *Rules) AtOnce(q *Request) (d Decision, ok bool) {
	switch {
	case q.Looped:
		return Decision{Action: Refuse, Why: WhyLooped, Code: http.StatusLoopDetected,
			Outcome: OutcomePass}, true
	case r.ReadOnly && (Unsafe(q.Method) || q.Method == http.MethodTrace) &&
		!RefusedMethod(q.Method):
		return Decision{Action: Refuse, Why: WhyReadOnly, Code: http.StatusMethodNotAllowed}, true
	case RefusedMethod(q.Method):
		return Decision{Action: Refuse, Why: WhyMethod, Code: http.StatusMethodNotAllowed}, true
	// an echo would show a client's fields to its scripts
	case q.Exhausted && q.Method == http.MethodTrace:
		return Decision{Action: Refuse, Why: WhyMaxForwards, Code: http.StatusMethodNotAllowed,
			Outcome: OutcomePass}, true
	case q.Exhausted:
		return Decision{Action: Refuse, Why: WhyMaxForwards, Code: http.StatusOK,
			Outcome: OutcomePass}, true
	case !Reads(q.Method):
		return forward(WhyUnread, nil, CacheStatus{Fwd: "method"}), true
	case q.Upgrade:
		return forward(WhyUpgrade, nil, CacheStatus{Fwd: "bypass", Detail: "upgrade"}), true
	}
	return Decision{}, false
}

// Decide says what is done about a request, after a lookup.
func (r *Rules) Decide(q *Request, f *Found) Decision {
	if f.Tries >= Restarts { // the origin is left to answer this one itself
		return forward(WhyChanging, nil, CacheStatus{Fwd: "uri-miss", Detail: "changing"})
	}
	rec := Permitted(q, f.Record)
	switch {
	case rec == nil || f.MustRevalidate || f.Gone != nil && rec.Version == f.Gone.Version:
		return r.miss(q, f, rec)
	case rec.Pass && r.wants(q, "only-if-cached"):
		return unsatisfiable()
	case rec.Pass:
		return r.pass(q, rec, "bypass")
	}
	d, ok := r.Reuse(q, rec)
	switch {
	case ok:
		return d
	case d.Use.OnlyIfCached:
		return r.miss(q, f, rec) // the owner may have a newer one
	}
	return r.fetch(q, d)
}

// wants reports whether the request has that directive, and it counts.
func (r *Rules) wants(q *Request, directive string) bool {
	return r.Policy.RequestDirectives(q.Header).Has(directive)
}

// Reuse decides whether rec may answer without a word from anyone; if it may not, d is to be
// fetched.
func (r *Rules) Reuse(q *Request, rec *store.Record) (d Decision, ok bool) {
	d = Decision{Action: Serve, Record: rec}
	d.Use, ok = rec.Facts.Usable(q.Header, r.Now(), rec.RetryAfter.Time())
	switch {
	case !ok && Permitted(q, rec) == nil:
		d.Why, d.Status.Fwd = WhyPrivate, "request"
		return d, false
	case !ok:
		d.Status.Fwd = d.Use.Reason
		if d.Why = WhyStale; d.Use.Reason == "request" {
			d.Why = WhyUnaccepted
		}
		return d, false
	case unmatched(q, rec):
		d.Why, d.Status.Fwd = WhyUnmatched, "request"
		return d, false
	case d.Use.Verdict == httpcache.Fresh:
		d.Why, d.Outcome = WhyFresh, OutcomeHit
		return d, true
	case d.Use.Verdict == httpcache.StaleAllowed:
		d.Why = WhyMaxStale
	case d.Use.Verdict == httpcache.StaleMeanwhile:
		d.Why, d.Refresh = WhyMeanwhile, true
	default:
		d.Why = WhyResting
	}
	d.Outcome = OutcomeStale
	d.Status = CacheStatus{Hit: true, TTL: d.Use.Lifetime - d.Use.Age, HasTTL: true}
	if d.Why != WhyResting {
		d.Status.Detail = d.Use.Reason
	}
	return d, true
}

// unmatched reports whether q has a precondition that rec fails and only the origin may evaluate
// (RFC 9111 section 4.3.2): what it has by now may meet it.
func unmatched(q *Request, rec *store.Record) bool {
	if len(q.Header["If-Match"]) == 0 && len(q.Header["If-Unmodified-Since"]) == 0 {
		return false
	}
	return rec.Status == http.StatusOK && httpcache.Unmatched(q.Header, rec.Header())
}

// miss decides about a request that selects no stored response, or one that may not be used before
// its owner has been asked, which is rec.
func (r *Rules) miss(q *Request, f *Found, rec *store.Record) Decision {
	cached := r.wants(q, "only-if-cached")
	if cached || r.wants(q, "no-store") { // for which the owner must not ask the origin
		if !f.Looked {
			return Decision{Action: Look}
		}
		if f.AtOwner != nil && !f.AtOwner.Record.Pass {
			if d, ok := r.Reuse(q, f.AtOwner.Record); ok {
				d.Peer, d.Chunk = f.AtOwner.Peer, f.AtOwner.Chunk
				return d
			}
		}
	}
	d := Decision{Why: WhyMiss, Status: CacheStatus{Fwd: "uri-miss"}}
	if f.Record != nil && !f.Record.Pass && Permitted(q, f.Record) == nil {
		d.Status.Fwd = "request"
	}
	if q.Authorized && rec == nil { // who may share the answer, only the answer says
		d.Why, d.Alone = WhyPrivate, true
	}
	if f.Gone != nil {
		d.Gone, rec = f.Gone.Version, nil
	}
	switch {
	case cached:
		return unsatisfiable()
	case rec != nil:
		d.Why, d.Record = WhyUnconfirmed, rec
		if d.Status.Fwd == "uri-miss" {
			d.Status.Fwd = "stale"
		}
	case f.Parts && q.Method == http.MethodGet && httpcache.SingleRange(q.Header):
		d.Why, d.Ranged, d.Status.Fwd = WhyPart, true, "partial"
	case f.Variants && d.Status.Fwd == "uri-miss":
		d.Status.Fwd = "vary-miss"
	}
	return r.fetch(q, d)
}

// pass decides about a request for what isn't stored, as rec says.
func (r *Rules) pass(q *Request, rec *store.Record, fwd string) Decision {
	// the part that comes may be kept
	if q.Method == http.MethodGet && r.Streams(rec) && httpcache.SingleRange(q.Header) {
		return r.fetch(q, Decision{Why: WhyPart, Ranged: true, Status: CacheStatus{Fwd: "partial"}})
	}
	return forward(WhyNotStorable, rec, CacheStatus{Fwd: fwd, Detail: r.passDetail(rec)})
}

// passDetail is why rec isn't stored, in a word for Cache-Status.
func (r *Rules) passDetail(rec *store.Record) string {
	if r.Streams(rec) {
		return "too-large"
	}
	return "not-storable"
}

// fetch makes d one that fetches.
func (r *Rules) fetch(q *Request, d Decision) Decision {
	switch {
	case r.wants(q, "no-store"):
		// RFC 9111 section 5.2.1.5: the answer may not be stored, so it can't be shared; what is
		// stored stays.
		return forward(WhyNoStore, d.Record, CacheStatus{Fwd: "request", Detail: "no-store"})
	case d.Record != nil && !d.Record.Pass && httpcache.Validatable(d.Record.Header()):
		d.Action = Revalidate
	default:
		d.Action = Fetch
	}
	return d
}

func forward(why Reason, rec *store.Record, status CacheStatus) Decision {
	return Decision{Action: Forward, Why: why, Record: rec, Outcome: OutcomePass, Status: status}
}

// unsatisfiable is for only-if-cached where there is nothing (RFC 9111 section 5.2.1.7).
func unsatisfiable() Decision {
	return Decision{Action: Refuse, Why: WhyOnlyIfCached, Code: http.StatusGatewayTimeout,
		Outcome: OutcomeMiss, Status: CacheStatus{Detail: "only-if-cached"}}
}

// Permitted is rec, which may be nil, but nil if q has Authorization and rec may not answer it (RFC
// 9111 section 3.5): what is stored of an answer to a request without may not do for one with it,
// unless the origin says so.
func Permitted(q *Request, rec *store.Record) *store.Record {
	if rec != nil && q.Authorized && (rec.Pass || !rec.Facts.Shared) {
		return nil
	}
	return rec
}
