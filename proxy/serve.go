package proxy

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
)

// restarts bounds how often a request begins anew because the version that it was to be answered from went away.
const restarts = 3

// retryAfter is how long a stored response whose validation failed is served stale without another try.
const retryAfter = 2 * time.Second

// serve answers a request for the resource that key names.
func (p *Proxy) serve(w *logging.Writer, r *http.Request, key string) {
	switch {
	case !reads(r.Method):
		p.forward(w, r, key, cacheStatus{fwd: "method"})
		return
	case len(r.Header["Authorization"]) > 0:
		p.forward(w, r, key, cacheStatus{fwd: "bypass", detail: "authorization"})
		return
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"): // other upgrades are offers that may be declined
		p.forward(w, r, key, cacheStatus{fwd: "bypass", detail: "upgrade"})
		return
	}
	header := r.Header
	if len(header["Connection"]) > 0 { // what it names isn't for the origin, so it mustn't select a variant either
		header = httpcache.EndToEnd(header)
	}
	for range restarts {
		if p.serveStored(w, r, key, header) {
			return
		}
	}
	p.fail(w, cacheStatus{fwd: "uri-miss"}, &failure{status: http.StatusBadGateway, kind: "http_response_incomplete",
		err: errors.New("the representation went away while it was to be sent, again and again")})
}

// serveStored, with the end-to-end fields of r in header, answers from the stored response that r selects, if that may
// be, or else by way of the origin. It returns false, with nothing sent, if the stored response went away meanwhile and
// everything is to be looked at again.
func (p *Proxy) serveStored(w *logging.Writer, r *http.Request, key string, header http.Header) (done bool) {
	rec := p.store.Find(key, header)
	if rec == nil {
		return p.serveMiss(w, r, ask(w, r, key, header))
	}
	if rec.Pass {
		if httpcache.ParseDirectives(header).Has("only-if-cached") {
			p.unsatisfiable(w)
		} else {
			p.forward(w, r, key, cacheStatus{fwd: "bypass", detail: "not-storable"})
		}
		return true
	}
	v := viewOf(rec)
	now := p.cfg.Now()
	use := v.facts.Reuse(header, now)
	switch {
	case use.Verdict == httpcache.Fresh:
		return p.answer(w, r, &reply{rec: rec, use: use, outcome: outcomeHit})
	case use.Verdict == httpcache.StaleAllowed,
		now.Before(rec.RetryAfter) && v.facts.StaleOnError(now):
		return p.answer(w, r, &reply{rec: rec, use: use, outcome: outcomeStale,
			status: cacheStatus{hit: true, ttl: use.Lifetime - use.Age, hasTTL: true}})
	case use.OnlyIfCached:
		p.unsatisfiable(w)
		return true
	}
	return p.fetch(w, r, ask(w, r, key, header), rec, cacheStatus{fwd: use.Reason})
}

// ask is r as a question to the store.
func ask(w *logging.Writer, r *http.Request, key string, header http.Header) *store.Ask {
	return &store.Ask{
		Key: key, Header: header, Proto: r.Proto, ID: w.ID(),
		Whole: r.Method == http.MethodGet && len(header["Range"]) == 0,
	}
}

// serveMiss answers a request that selects no stored response.
func (p *Proxy) serveMiss(w *logging.Writer, r *http.Request, ask *store.Ask) (done bool) {
	switch {
	case httpcache.ParseDirectives(ask.Header).Has("only-if-cached"):
		p.unsatisfiable(w)
		return true
	case r.Method == http.MethodHead: // asking for content that nobody wants would be a waste
		p.forward(w, r, ask.Key, cacheStatus{fwd: "uri-miss", detail: "head"})
		return true
	}
	return p.fetch(w, r, ask, nil, cacheStatus{fwd: "uri-miss"})
}

// unsatisfiable answers only-if-cached where there is nothing (RFC 9111 section 5.2.1.7).
func (p *Proxy) unsatisfiable(w *logging.Writer) {
	w.Cache = outcomeMiss
	w.Header().Set("Cache-Status", name+"; detail=only-if-cached")
	p.refuse(w, http.StatusGatewayTimeout)
}

// fetch answers with what the store brings from the origin; prev is the stored response that doesn't suffice, if any.
func (p *Proxy) fetch(w *logging.Writer, r *http.Request, ask *store.Ask, prev *store.Record, status cacheStatus) (done bool) {
	if httpcache.ParseDirectives(ask.Header).Has("no-store") {
		// RFC 9111 section 5.2.1.5: the answer may not be stored, so it can't be shared; what is stored stays.
		p.forward(w, r, ask.Key, cacheStatus{fwd: "request", detail: "no-store"})
		return true
	}
	a, err := p.store.Fetch(r.Context(), ask, prev)
	if err == nil && a.Collapsed && !a.Record.Pass && !viewOf(a.Record).facts.Shareable() {
		ask.Alone = true // it was for another's eyes only: RFC 9111 section 4
		a, err = p.store.Fetch(r.Context(), ask, a.Record)
	}
	if err != nil {
		return p.fetchFailed(w, r, prev, status, err)
	}
	defer a.Close()
	status.fwdStatus, status.collapsed = a.Status, a.Collapsed
	rec := a.Record
	switch {
	case rec.Pass && a.Body == nil:
		p.forward(w, r, ask.Key, cacheStatus{fwd: status.fwd, detail: "not-storable"})
		return true
	case rec.Pass:
		p.answerOnce(w, r, a, status)
		return true
	}
	rp := &reply{rec: rec, answer: a, status: status, outcome: outcomeMiss}
	rp.use.Age, rp.use.Lifetime = viewOf(rec).facts.Age(p.cfg.Now()), viewOf(rec).facts.Lifetime
	rp.status.stored = !a.Renewed && !a.Collapsed
	switch {
	case a.Collapsed:
		rp.outcome = outcomeCollapsed
	case a.Renewed:
		rp.outcome = outcomeRevalidated
	}
	return p.answer(w, r, rp)
}

// fetchFailed answers although the origin couldn't: with prev if that is allowed.
func (p *Proxy) fetchFailed(w *logging.Writer, r *http.Request, prev *store.Record, status cacheStatus, err error) (done bool) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	if _, unreachable := errors.AsType[*failure](err); !unreachable {
		w.Err = err // the origin's failures are logged with its request
		if errors.Is(err, context.Canceled) {
			err = &failure{status: http.StatusServiceUnavailable, kind: "proxy_internal_error", err: err}
		}
	}
	now := p.cfg.Now()
	if prev == nil || !viewOf(prev).facts.StaleOnError(now) {
		if f, ok := errors.AsType[*failure](err); ok && prev != nil && viewOf(prev).facts.MustRevalidate {
			err = &failure{status: http.StatusGatewayTimeout, kind: f.kind, err: f} // RFC 9111 section 5.2.2.2
		}
		p.fail(w, status, err)
		return true
	}
	p.store.Postpone(prev, now.Add(retryAfter))
	f := viewOf(prev).facts
	use := httpcache.Reuse{Age: f.Age(now), Lifetime: f.Lifetime}
	return p.answer(w, r, &reply{rec: prev, use: use, outcome: outcomeStale, status: cacheStatus{
		hit: true, ttl: use.Lifetime - use.Age, hasTTL: true, detail: failed(err).(*failure).kind,
	}})
}

// gone tells whether err means that the version that was to be read is no more.
func gone(err error) bool { return errors.Is(err, fill.ErrGone) }
