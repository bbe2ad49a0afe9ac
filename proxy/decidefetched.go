package proxy

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// fetched decides again, on what has come of d, which fetches: for the tries-th time, counted from
// 0.
func (r *rules) fetched(q *request, d decision, res *store.Result, tries int) decision {
	rec := res.Record
	if rec.Pass {
		return r.fetchedPass(q, d, res)
	}
	if res.Found && tries < restarts {
		again, ok := r.reuse(q, rec)
		again.peer, again.refresh = res.Peer, false // the owner sees to that
		if ok {
			return again
		}
		again.alone, again.ranged, again.gone = d.alone, d.ranged, d.gone
		return r.fetch(q, again) // now the owner gets to know that this one doesn't suffice
	}
	facts := &preparedOf(rec).facts
	if res.Collapsed && !d.alone && !(facts.Shareable() && (!q.authorized || shared(rec))) {
		d.why, d.rec, d.alone = whyForAnother, rec, true // RFC 9111 section 4
		return r.fetch(q, d)
	}
	d = decision{action: actServe, why: whyFetched, rec: rec, peer: res.Peer, result: res, outcome: outcomeMiss, status: d.fetchedStatus(res)}
	d.use.Age, d.use.Lifetime = facts.Age(r.now()), facts.Lifetime
	d.status.ttl, d.status.hasTTL = d.ttl(), true
	d.status.stored = !res.Renewed && !res.Collapsed
	switch {
	case res.Collapsed:
		d.outcome = outcomeCollapsed
	case res.Renewed:
		d.outcome = outcomeRevalidated
	}
	return d
}

// fetchedStatus is what Cache-Status says of a request that d has sent to the origin, or to the
// owner, which may know a better reason for asking the origin.
func (d *decision) fetchedStatus(res *store.Result) cacheStatus {
	status := d.status
	status.fwdStatus, status.collapsed = res.Status, res.Collapsed
	status.because(res.Why)
	return status
}

// fetchedPass is fetched for a response that isn't stored.
func (r *rules) fetchedPass(q *request, d decision, res *store.Result) decision {
	rec, status := res.Record, d.fetchedStatus(res)
	switch {
	case !d.ranged && (res.Body == nil || r.streams(rec) && len(q.header["Range"]) > 0):
		return r.pass(q, rec, status.fwd)
	case res.Body == nil:
		return forward(whyNotStorable, rec, cacheStatus{fwd: status.fwd, detail: r.passDetail(rec)})
	}
	status.detail = r.passDetail(rec)
	return decision{action: actRelay, why: whyFetched, rec: rec, peer: res.Peer, result: res, outcome: outcomePass, status: status}
}

// failed decides what is done where d, which fetches, has brought nothing but a failure: a stale
// record answers, if it may.
func (r *rules) failed(q *request, d decision, f *store.Failure) decision {
	d.status.because(f.Why)
	rec, now := d.rec, r.now()
	if d.why == whyForAnother || !about(q, rec) {
		rec = nil
	}
	if about(q, f.Stored) {
		rec = f.Stored // the owner's
	}
	if rec != nil && preparedOf(rec).facts.StaleOnError(q.header, now) {
		facts := &preparedOf(rec).facts
		stale := decision{action: actServe, why: whyOnError, rec: rec, outcome: outcomeStale, failure: f}
		stale.use = httpcache.Reuse{Age: facts.Age(now), Lifetime: facts.Lifetime}
		stale.status = cacheStatus{hit: true, ttl: stale.use.Lifetime - stale.use.Age, hasTTL: true, detail: f.Kind}
		return stale
	}
	if !ours(f) && rec != nil && (preparedOf(rec).facts.MustRevalidate || preparedOf(rec).facts.NoCache) {
		f = &store.Failure{Status: http.StatusGatewayTimeout, Kind: f.Kind, Err: f} // RFC 9111 sections 5.2.2.2 and 5.2.2.4
	}
	return unanswered(f, d.status)
}

// about reports whether rec, which may be nil, holds a response that may be for q.
func about(q *request, rec *store.Record) bool {
	return rec != nil && !rec.Pass && (!q.authorized || shared(rec))
}

// unanswered is for a request that the origin couldn't answer.
func unanswered(f *store.Failure, status cacheStatus) decision {
	status.detail = f.Kind
	return decision{action: actRefuse, why: whyFailed, code: f.Status, status: status, failure: f}
}
