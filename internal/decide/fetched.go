package decide

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Fetched decides again, on what has come of d, which fetches: for the tries-th time, counted from
// 0.
func (r *Rules) Fetched(q *Request, d Decision, res *store.Result, tries int) Decision {
	rec := res.Record
	if rec.Pass {
		return r.fetchedPass(q, d, res)
	}
	if res.Found && tries < Restarts {
		again, ok := r.Reuse(q, rec)
		again.Peer, again.Chunk = res.Peer, res.Chunk
		again.Refresh = false // the owner sees to that
		if ok {
			return again
		}
		again.Alone, again.Ranged, again.Gone = d.Alone, d.Ranged, d.Gone
		return r.fetch(q, again) // now the owner gets to know that this one doesn't suffice
	}
	known := rec.Facts
	if res.Collapsed && !d.Alone && !(known.Shareable() && Permitted(q, rec) != nil) {
		d.Why, d.Record, d.Alone = WhyForAnother, rec, true // RFC 9111 section 4
		return r.fetch(q, d)
	}
	d = Decision{Action: Serve, Why: WhyFetched, Record: rec, Peer: res.Peer, Result: res,
		Outcome: OutcomeMiss, Status: d.fetchedStatus(res)}
	d.Use.Age, d.Use.Lifetime = known.Age(r.Now()), known.Lifetime
	d.Status.TTL, d.Status.HasTTL = d.TTL(), true
	d.Status.Stored = !res.Renewed && !res.Collapsed
	switch {
	case res.Collapsed:
		d.Outcome = OutcomeCollapsed
	case res.Renewed:
		d.Outcome = OutcomeRevalidated
	}
	return d
}

// fetchedStatus is what Cache-Status says of a request that d has sent to the origin, or to the
// owner, which may know a better reason for asking the origin.
func (d *Decision) fetchedStatus(res *store.Result) CacheStatus {
	status := d.Status
	status.FwdStatus, status.Collapsed = res.Status, res.Collapsed
	status.because(res.Why)
	return status
}

// fetchedPass is Fetched for a response that isn't stored.
func (r *Rules) fetchedPass(q *Request, d Decision, res *store.Result) Decision {
	rec, status := res.Record, d.fetchedStatus(res)
	switch {
	case !d.Ranged && (res.Body == nil || r.Streams(rec) && len(q.Header["Range"]) > 0):
		return r.pass(q, rec, status.Fwd)
	case res.Body == nil:
		return forward(WhyNotStorable, rec, CacheStatus{Fwd: status.Fwd, Detail: r.passDetail(rec)})
	}
	status.Detail = r.passDetail(rec)
	return Decision{Action: Relay, Why: WhyFetched, Record: rec, Peer: res.Peer, Result: res,
		Outcome: OutcomePass, Status: status}
}

// Failed decides what is done where d, which fetches, has brought nothing but a failure: a stale
// record answers, if it may.
func (r *Rules) Failed(q *Request, d Decision, f *store.Failure) Decision {
	d.Status.because(f.Why)
	rec, now := d.Record, r.Now()
	if d.Why == WhyForAnother || !about(q, rec) {
		rec = nil
	}
	if about(q, f.Stored) {
		rec = f.Stored // the owner's
	}
	if rec != nil && rec.Facts.StaleOnError(q.Header, now) {
		known := rec.Facts
		stale := Decision{Action: Serve, Why: WhyOnError, Record: rec, Outcome: OutcomeStale,
			Failure: f}
		stale.Use = httpcache.Reuse{Age: known.Age(now), Lifetime: known.Lifetime}
		stale.Status = CacheStatus{Hit: true, TTL: stale.Use.Lifetime - stale.Use.Age, HasTTL: true,
			Detail: f.Kind}
		return stale
	}
	if !Ours(f) && rec != nil && (rec.Facts.MustRevalidate || rec.Facts.NoCache) {
		// RFC 9111 sections 5.2.2.2 and 5.2.2.4
		f = &store.Failure{Status: http.StatusGatewayTimeout, Kind: f.Kind, Err: f}
	}
	return Unanswered(f, d.Status)
}

// about reports whether rec, which may be nil, holds a response that may be for q, if only as a
// stale one.
func about(q *Request, rec *store.Record) bool {
	return rec != nil && !rec.Pass && !rec.Invalid && Permitted(q, rec) != nil
}

// Unanswered is for a request that the origin couldn't answer.
func Unanswered(f *store.Failure, status CacheStatus) Decision {
	status.Detail = f.Kind
	return Decision{Action: Refuse, Why: WhyFailed, Code: f.Status, Status: status, Failure: f}
}

// Ours reports whether f says that this cache has no room, and nothing of the origin. Then no
// request to the origin is logged with it.
func Ours(f *store.Failure) bool { return f.Status == http.StatusServiceUnavailable }
