package proxy

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
)

// methodPurge is the one by which operators have a cache drop what it has stored.
const methodPurge = "PURGE"

// refusedMethod reports whether a method is for this cache, or for no cache at all, and no origin's
// business.
func refusedMethod(method string) bool { return method == methodPurge || method == http.MethodConnect }

// restarts bounds how often a request begins anew because the version that it was to be answered
// from went away.
const restarts = 3

// serve answers a request for the resource that key names.
func (p *Proxy) serve(w *logging.Writer, r *http.Request, key string) {
	if r.Method == http.MethodHead {
		r = withoutRange(r)
	}
	switch {
	case p.looped(r):
		p.refuseLoop(w)
		return
	case refusedMethod(r.Method):
		p.refuseMethod(w)
		return
	case !reads(r.Method):
		p.forward(w, r, key, cacheStatus{fwd: "method"})
		return
	case p.switches(r):
		p.forward(w, r, key, cacheStatus{fwd: "bypass", detail: "upgrade"})
		return
	}
	if p.site.NoVarySearch {
		r = withTarget(r, key)
	}
	header := endToEnd(r.Header)
	w.Owner = p.store.Owner(key)
	var gone *store.Record
	for range restarts {
		if gone = p.serveStored(w, r, key, header, gone); gone == nil {
			return
		}
	}
	// Each time it went away while it was to be sent: the origin is left to answer this one itself.
	p.forward(w, r, key, cacheStatus{fwd: "uri-miss", detail: "changing"})
}

// withoutRange is a HEAD without what means something in a GET only (RFC 9110 sections 13.1.5 and
// 14.2): origins answer it all the same, with a 206 or 416.
func withoutRange(r *http.Request) *http.Request {
	if len(r.Header["Range"]) == 0 && len(r.Header["If-Range"]) == 0 {
		return r
	}
	r = r.WithContext(r.Context())
	r.Header = r.Header.Clone()
	delete(r.Header, "Range")
	delete(r.Header, "If-Range")
	return r
}

// endToEnd is a request's header without what concerns the client's connection: that isn't for the
// origin, so it mustn't select a variant either.
func endToEnd(header http.Header) http.Header {
	if len(header["Connection"]) > 0 {
		return httpcache.EndToEnd(header)
	}
	return header
}

// serveStored, with the end-to-end fields of r in header, answers a request for that resource from
// the stored response that r selects, if that may be, or else by way of the origin. If the bytes of
// that response went away meanwhile, nothing is sent, everything is to be looked at again, and the
// result is that response; prev is the one of the last time.
func (p *Proxy) serveStored(w *logging.Writer, r *http.Request, resource string, header http.Header, prev *store.Record) (gone *store.Record) {
	key, rec, mustRevalidate := p.find(resource, header, r.Method == http.MethodHead)
	authorized := len(header["Authorization"]) > 0
	barred := rec != nil && !rec.Pass && authorized && !p.shared(rec)
	if rec != nil && authorized && !p.shared(rec) {
		rec = nil // what it says is for others
	}
	if rec == nil || mustRevalidate || prev != nil && rec.Version == prev.Version {
		q, status := requestOf(w, r, key, header), cacheStatus{fwd: "uri-miss"}
		if barred {
			status.fwd = "request"
		}
		if authorized && rec == nil { // who may share the answer, only the answer tells
			q.Alone, q.From = true, identified(r)
		}
		if prev != nil {
			q.Gone, rec = prev.Version, nil
		}
		return p.serveMiss(w, r, q, rec, status)
	}
	if rec.Pass {
		if p.policy.RequestDirectives(header).Has("only-if-cached") {
			p.unsatisfiable(w)
			return nil
		}
		return p.passOn(w, r, key, rec, "bypass")
	}
	rp, ok := p.reuse(rec, header)
	switch {
	case ok:
		if rp.refresh() {
			p.store.Refresh(requestOf(w, r, key, header), rec)
		}
		return p.answer(w, r, &rp)
	case rp.use.OnlyIfCached:
		return p.serveMiss(w, r, requestOf(w, r, key, header), rec, cacheStatus{fwd: "uri-miss"}) // the owner may have a newer one
	}
	return p.fetch(w, r, requestOf(w, r, key, header), rec, cacheStatus{fwd: rp.use.Reason})
}

// shared reports whether rec may answer requests with Authorization (RFC 9111 section 3.5). What is
// stored of an answer to a request without may not do for one with it, unless the origin says so.
func (p *Proxy) shared(rec *store.Record) bool { return !rec.Pass && preparedOf(rec).facts.Shared }

// reuse is the reply that rec makes to a request with those fields, if it may be answered without
// waiting for anyone.
func (p *Proxy) reuse(rec *store.Record, header http.Header) (rp reply, ok bool) {
	facts, now := &preparedOf(rec).facts, p.cfg.Now()
	rp = reply{rec: rec, use: facts.Reuse(header, now), outcome: outcomeHit}
	if len(header["Authorization"]) > 0 && !p.shared(rec) {
		rp.use.Reason = "request"
		return rp, false
	}
	switch rp.use.Verdict {
	case httpcache.Fresh:
		return rp, true
	case httpcache.StaleAllowed, httpcache.StaleMeanwhile:
		ok = true
	default: // a client who doesn't accept it wants the origin asked, even if that has just failed
		ok = !rp.use.Refused && now.Before(rec.RetryAfter.Time()) && facts.StaleOnError(header, now)
	}
	rp.outcome = outcomeStale
	rp.status = cacheStatus{hit: true, ttl: rp.use.Lifetime - rp.use.Age, hasTTL: true}
	if rp.use.Verdict != httpcache.Stale {
		rp.status.detail = rp.use.Reason
	}
	return rp, ok
}

// refresh reports whether the response is to be validated while rp is being sent (RFC 5861 section
// 3).
func (rp *reply) refresh() bool { return rp.use.Verdict == httpcache.StaleMeanwhile }

// requestOf is r as a request to the store.
func requestOf(w *logging.Writer, r *http.Request, key string, header http.Header) *store.Request {
	a := &store.Request{
		Key: key, Target: targetOf(r, ""), Header: header, Proto: r.Proto, Cause: cause(w),
		Head:  r.Method == http.MethodHead,
		Whole: r.Method == http.MethodGet && len(header["Range"]) == 0,
	}
	if r.ProtoAtLeast(1, 1) {
		a.Inform = func(status int, header http.Header) { interim(w, status, header) }
	}
	return a
}

// interim sends an interim response, which leaves no fields for the final one.
func interim(w *logging.Writer, status int, header http.Header) {
	h := w.Header()
	maps.Copy(h, header)
	w.WriteHeader(status)
	for name := range header {
		delete(h, name)
	}
}

// serveMiss answers a request that selects no stored response, or one that may not be used before
// its owner has been asked, which is prev.
func (p *Proxy) serveMiss(w *logging.Writer, r *http.Request, req *store.Request, prev *store.Record, status cacheStatus) (gone *store.Record) {
	directives := p.policy.RequestDirectives(req.Header)
	cached := directives.Has("only-if-cached")
	if cached || directives.Has("no-store") { // for which another node's owner must not ask the origin
		if res := p.store.Peek(r.Context(), req); res != nil && !res.Record.Pass {
			defer res.Close()
			if rp, ok := p.reuse(res.Record, req.Header); ok {
				if rp.refresh() {
					p.store.Refresh(req, res.Record)
				}
				rp.peer = res.Peer
				return p.answer(w, r, &rp)
			}
		}
	}
	if prev != nil {
		if status.fwd == "uri-miss" {
			status.fwd = "stale"
		}
	} else if any, parts := p.store.Holds(req.Key, req.Head); parts && httpcache.SingleRange(req.Header) && r.Method == http.MethodGet {
		status.fwd, req.Ranged = "partial", true // it isn't kept as a whole, so another part of it is what can be had
	} else if any && status.fwd == "uri-miss" {
		status.fwd = "vary-miss"
	}
	if cached {
		p.unsatisfiable(w)
		return nil
	}
	return p.fetch(w, r, req, prev, status)
}

// unsatisfiable answers only-if-cached where there is nothing (RFC 9111 section 5.2.1.7).
func (p *Proxy) unsatisfiable(w *logging.Writer) {
	w.Cache = outcomeMiss
	w.Header().Set("Cache-Status", name+"; detail=only-if-cached")
	p.refuse(w, http.StatusGatewayTimeout)
}

// fetchFor is the store's Fetch. If what that brings turns out to be for other resources only, it
// asks for req's own.
func (p *Proxy) fetchFor(ctx context.Context, req *store.Request, prev *store.Record) (*store.Result, error) {
	res, err := p.store.Fetch(ctx, req, prev)
	resource := cmp.Or(req.Target, req.Key)
	if err != nil || p.answers(res.Record, resource) {
		return res, err
	}
	res.Close()
	req.Key, req.Target = resource, ""
	if res, err = p.store.Fetch(ctx, req, nil); err != nil || p.answers(res.Record, resource) {
		return res, err
	}
	res.Close()
	req.Alone = true
	return p.store.Fetch(ctx, req, nil)
}

// fetch answers with what the store brings from the origin, or from the owner; prev is the stored
// response that doesn't suffice, if any.
func (p *Proxy) fetch(w *logging.Writer, r *http.Request, req *store.Request, prev *store.Record, status cacheStatus) (gone *store.Record) {
	if p.policy.RequestDirectives(req.Header).Has("no-store") {
		// RFC 9111 section 5.2.1.5: the answer may not be stored, so it can't be shared; what is
		// stored stays.
		p.forward(w, r, req.Key, cacheStatus{fwd: "request", detail: "no-store"})
		return nil
	}
	res, err := p.fetchFor(r.Context(), req, prev)
	for tries := 0; err == nil && res.Found && !res.Record.Pass && tries < restarts; tries++ {
		rp, ok := p.reuse(res.Record, req.Header)
		if ok {
			rp.peer = res.Peer
			return p.answer(w, r, &rp)
		}
		prev, status.fwd = res.Record, rp.use.Reason
		res, err = p.fetchFor(r.Context(), req, prev) // now the owner is told that this one doesn't suffice
	}
	if err == nil && res.Collapsed && !res.Record.Pass && !p.shareable(res.Record, req.Header) {
		req.Alone, req.From = true, identified(r) // it was for another's eyes only: RFC 9111 section 4
		res, err = p.fetchFor(r.Context(), req, res.Record)
	}
	if err != nil {
		return p.fetchFailed(w, r, prev, status, err)
	}
	defer res.Close()
	status.fwdStatus, status.collapsed = res.Status, res.Collapsed
	status.because(res.Why)
	rec := res.Record
	switch {
	case rec.Pass && !req.Ranged && (res.Body == nil || p.store.Streams(rec) && len(req.Header["Range"]) > 0):
		res.Close()
		return p.passOn(w, r, req.Key, rec, status.fwd)
	case rec.Pass && res.Body == nil:
		p.forward(w, r, req.Key, cacheStatus{fwd: status.fwd, detail: p.passDetail(rec)})
		return nil
	case rec.Pass:
		p.answerOnce(w, r, res, status)
		return nil
	}
	rp := &reply{rec: rec, answer: res, status: status, outcome: outcomeMiss, peer: res.Peer}
	rp.use.Age, rp.use.Lifetime = preparedOf(rec).facts.Age(p.cfg.Now()), preparedOf(rec).facts.Lifetime
	rp.status.ttl, rp.status.hasTTL = rp.use.Lifetime-rp.use.Age.Truncate(time.Second), true
	rp.status.stored = !res.Renewed && !res.Collapsed
	switch {
	case res.Collapsed:
		rp.outcome = outcomeCollapsed
	case res.Renewed:
		rp.outcome = outcomeRevalidated
	}
	return p.answer(w, r, rp)
}

// fetchFailed answers although the origin couldn't: with prev if that is allowed.
func (p *Proxy) fetchFailed(w *logging.Writer, r *http.Request, prev *store.Record, status cacheStatus, err error) (gone *store.Record) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	if _, unreachable := errors.AsType[*store.Failure](err); !unreachable {
		w.Err = err // the origin's failures are logged with its request
		if errors.Is(err, context.Canceled) {
			err = &store.Failure{Status: http.StatusServiceUnavailable, Kind: "proxy_internal_error", Err: err}
		}
	}
	if f, ok := errors.AsType[*store.Failure](err); ok {
		status.because(f.Why)
		if ours(f) {
			w.Err = f
		}
		if f.Stored != nil && (len(r.Header["Authorization"]) == 0 || p.shared(f.Stored)) {
			prev = f.Stored // it is the owner's
		}
	}
	now := p.cfg.Now()
	if prev == nil || !preparedOf(prev).facts.StaleOnError(r.Header, now) {
		if f, ok := errors.AsType[*store.Failure](err); ok && !ours(f) && prev != nil && (preparedOf(prev).facts.MustRevalidate || preparedOf(prev).facts.NoCache) {
			err = &store.Failure{Status: http.StatusGatewayTimeout, Kind: f.Kind, Err: f} // RFC 9111 sections 5.2.2.2 and 5.2.2.4
		}
		p.fail(w, status, err)
		return nil
	}
	p.store.Postpone(prev)
	f := preparedOf(prev).facts
	use := httpcache.Reuse{Age: f.Age(now), Lifetime: f.Lifetime}
	return p.answer(w, r, &reply{rec: prev, use: use, outcome: outcomeStale, status: cacheStatus{
		hit: true, ttl: use.Lifetime - use.Age, hasTTL: true, detail: failed(err).(*store.Failure).Kind,
	}})
}

// shareable reports whether rec, which answered another's request, may answer one with those
// fields.
func (p *Proxy) shareable(rec *store.Record, header http.Header) bool {
	return preparedOf(rec).facts.Shareable() && (len(header["Authorization"]) == 0 || p.shared(rec))
}

// wentAway reports whether err means that the version that was to be read is no more.
func wentAway(err error) bool { return errors.Is(err, fill.ErrGone) }
