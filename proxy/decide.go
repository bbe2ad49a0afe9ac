package proxy

import (
	"net/http"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// restarts bounds how often a request begins anew because the version that it was to be answered
// from went away, and how often it is fetched because what came doesn't suffice.
const restarts = 3

// rules decide what is done about requests. They ask no one and change nothing.
type rules struct {
	policy  httpcache.Policy
	now     func() time.Time
	streams func(*store.Record) bool // whether a content is too large to be kept as a whole
}

// found is what a lookup has found for a request.
type found struct {
	key             string // that a response for the request is stored under
	rec             *store.Record
	mustRevalidate  bool // rec must not be used before its owner has been asked
	variants, parts bool // if rec is nil: whether there are responses for other requests, and parts

	tries int           // how often a response went away while it was to be sent
	gone  *store.Record // the last one

	looked  bool          // the owner has been asked for what it has stored
	atOwner *store.Result // nil if there is nothing, or the owner couldn't be asked
}

// atOnce says what is done about a request for which nothing has to be looked up; ok is false for
// all others.
func (r *rules) atOnce(q *request) (d decision, ok bool) {
	switch {
	case q.looped:
		return decision{action: actRefuse, why: whyLooped, code: http.StatusLoopDetected, outcome: outcomePass}, true
	case refusedMethod(q.method):
		return decision{action: actRefuse, why: whyMethod, code: http.StatusMethodNotAllowed}, true
	case q.exhausted && q.method == http.MethodTrace: // an echo would show a client's fields to its scripts
		return decision{action: actRefuse, why: whyMaxForwards, code: http.StatusMethodNotAllowed, outcome: outcomePass}, true
	case q.exhausted:
		return decision{action: actRefuse, why: whyMaxForwards, code: http.StatusOK, outcome: outcomePass}, true
	case !reads(q.method):
		return forward(whyUnread, nil, cacheStatus{fwd: "method"}), true
	case q.upgrade:
		return forward(whyUpgrade, nil, cacheStatus{fwd: "bypass", detail: "upgrade"}), true
	}
	return decision{}, false
}

// decide says what is done about a request, after a lookup.
func (r *rules) decide(q *request, f *found) decision {
	if f.tries >= restarts { // the origin is left to answer this one itself
		return forward(whyChanging, nil, cacheStatus{fwd: "uri-miss", detail: "changing"})
	}
	rec := f.rec
	if rec != nil && q.authorized && !shared(rec) {
		rec = nil // what it says is for others
	}
	switch {
	case rec == nil || f.mustRevalidate || f.gone != nil && rec.Version == f.gone.Version:
		return r.miss(q, f, rec)
	case rec.Pass && r.wants(q, "only-if-cached"):
		return unsatisfiable()
	case rec.Pass:
		return r.pass(q, rec, "bypass")
	}
	d, ok := r.reuse(q, rec)
	switch {
	case ok:
		return d
	case d.use.OnlyIfCached:
		return r.miss(q, f, rec) // the owner may have a newer one
	}
	return r.fetch(q, d)
}

// wants reports whether the request has that directive, and it counts.
func (r *rules) wants(q *request, directive string) bool {
	return r.policy.RequestDirectives(q.header).Has(directive)
}

// reuse decides whether rec may answer without a word from anyone; if it may not, d is to be
// fetched.
func (r *rules) reuse(q *request, rec *store.Record) (d decision, ok bool) {
	facts, now := &preparedOf(rec).facts, r.now()
	d = decision{action: actServe, rec: rec, use: facts.Reuse(q.header, now)}
	switch {
	case q.authorized && !shared(rec):
		d.why, d.status.fwd = whyPrivate, "request"
		return d, false
	case d.use.Verdict == httpcache.Fresh:
		d.why, d.outcome = whyFresh, outcomeHit
		return d, true
	case d.use.Verdict == httpcache.StaleAllowed:
		d.why = whyMaxStale
	case d.use.Verdict == httpcache.StaleMeanwhile:
		d.why, d.refresh = whyMeanwhile, true
	// A client who doesn't accept it wants the origin asked, even if that has just failed.
	case !d.use.Refused && now.Before(rec.RetryAfter.Time()) && facts.StaleOnError(q.header, now):
		d.why = whyResting
	default:
		d.status.fwd = d.use.Reason
		if d.why = whyStale; d.use.Reason == "request" {
			d.why = whyUnaccepted
		}
		return d, false
	}
	d.outcome = outcomeStale
	d.status = cacheStatus{hit: true, ttl: d.use.Lifetime - d.use.Age, hasTTL: true}
	if d.why != whyResting {
		d.status.detail = d.use.Reason
	}
	return d, true
}

// miss decides about a request that selects no stored response, or one that may not be used before
// its owner has been asked, which is rec.
func (r *rules) miss(q *request, f *found, rec *store.Record) decision {
	cached := r.wants(q, "only-if-cached")
	if cached || r.wants(q, "no-store") { // for which the owner must not ask the origin
		if !f.looked {
			return decision{action: actLook}
		}
		if f.atOwner != nil && !f.atOwner.Record.Pass {
			if d, ok := r.reuse(q, f.atOwner.Record); ok {
				d.peer = f.atOwner.Peer
				return d
			}
		}
	}
	d := decision{why: whyMiss, status: cacheStatus{fwd: "uri-miss"}}
	if f.rec != nil && !f.rec.Pass && q.authorized && !shared(f.rec) {
		d.status.fwd = "request"
	}
	if q.authorized && rec == nil { // who may share the answer, only the answer says
		d.why, d.alone = whyPrivate, true
	}
	if f.gone != nil {
		d.gone, rec = f.gone.Version, nil
	}
	switch {
	case cached:
		return unsatisfiable()
	case rec != nil:
		d.why, d.rec = whyDoubted, rec
		if d.status.fwd == "uri-miss" {
			d.status.fwd = "stale"
		}
	case f.parts && q.method == http.MethodGet && httpcache.SingleRange(q.header):
		d.why, d.ranged, d.status.fwd = whyPart, true, "partial"
	case f.variants && d.status.fwd == "uri-miss":
		d.status.fwd = "vary-miss"
	}
	return r.fetch(q, d)
}

// pass decides about a request for what isn't stored, as rec says.
func (r *rules) pass(q *request, rec *store.Record, fwd string) decision {
	if q.method == http.MethodGet && r.streams(rec) && httpcache.SingleRange(q.header) { // the part that comes may be kept
		return r.fetch(q, decision{why: whyPart, ranged: true, status: cacheStatus{fwd: "partial"}})
	}
	return forward(whyNotStorable, rec, cacheStatus{fwd: fwd, detail: r.passDetail(rec)})
}

// passDetail is why rec isn't stored, in a word for Cache-Status.
func (r *rules) passDetail(rec *store.Record) string {
	if r.streams(rec) {
		return "too-large"
	}
	return "not-storable"
}

// fetch makes d one that fetches.
func (r *rules) fetch(q *request, d decision) decision {
	switch {
	case r.wants(q, "no-store"):
		// RFC 9111 section 5.2.1.5: the answer may not be stored, so it can't be shared; what is
		// stored stays.
		return forward(whyNoStore, d.rec, cacheStatus{fwd: "request", detail: "no-store"})
	case d.rec != nil && !d.rec.Pass && httpcache.Validatable(d.rec.Header()):
		d.action = actRevalidate
	default:
		d.action = actFetch
	}
	return d
}

func forward(why reason, rec *store.Record, status cacheStatus) decision {
	return decision{action: actForward, why: why, rec: rec, outcome: outcomePass, status: status}
}

// unsatisfiable is for only-if-cached where there is nothing (RFC 9111 section 5.2.1.7).
func unsatisfiable() decision {
	return decision{action: actRefuse, why: whyOnlyIfCached, code: http.StatusGatewayTimeout, outcome: outcomeMiss, status: cacheStatus{detail: "only-if-cached"}}
}

// shared reports whether rec may answer requests with Authorization (RFC 9111 section 3.5). What is
// stored of an answer to a request without may not do for one with it, unless the origin says so.
func shared(rec *store.Record) bool { return !rec.Pass && preparedOf(rec).facts.Shared }
