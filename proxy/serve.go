package proxy

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
)

// serve answers a request for a resource. Here decisions are carried out, outcomes become the
// access log's line, and a response that can't be completed becomes an aborted connection.
func (p *Proxy) serve(w *logging.Writer, r *http.Request, resource string) {
	t := responses.Get().(*response)
	*t = response{p: p, w: w, r: r, id: w.ID(), q: p.requestOf(r, resource)}
	defer func() {
		t.entry.Cache = cmp.Or(t.entry.Cache, t.outcome.String())
		w.Entry = t.entry
		*t = response{}
		responses.Put(t)
	}()
	err := t.answer()
	switch {
	case err != nil && t.r.Context().Err() != nil, errors.Is(err, errCut):
		panic(http.ErrAbortHandler)
	case err != nil:
		t.fail(err, cacheStatus{})
	}
}

// answer looks up, decides, and carries the decision out; all that again as long as what was to be
// sent goes away.
func (t *response) answer() error {
	if d, ok := t.p.rules.atOnce(&t.q); ok {
		return t.carryOut(&d)
	}
	t.entry.Owner = t.p.store.Owner(t.q.resource)
	var f found
	for {
		t.p.lookup(&t.q, &f)
		t.key, t.fetch = f.key, nil
		d, err := t.decide(&f)
		if err == nil {
			err = t.carryOut(&d)
		}
		switch {
		case err == nil, errors.Is(err, errCut), t.r.Context().Err() != nil:
			return err
		case !wentAway(err):
			return t.fail(err, d.status)
		}
		f = found{gone: d.rec, tries: f.tries + 1}
	}
}

// lookup finds what is stored here for a request.
func (p *Proxy) lookup(q *request, f *found) {
	f.key, f.rec, f.mustRevalidate = p.find(q.resource, q.header, q.head())
	if f.rec == nil || f.gone != nil || q.authorized {
		f.variants, f.parts = p.store.Holds(f.key, q.head())
	}
}

// decide decides what is done, asking the owner and the origin for as long as a decision wants it.
func (t *response) decide(f *found) (d decision, err error) {
	ctx := t.r.Context()
	if d = t.p.rules.decide(&t.q, f); d.action == actLook {
		f.looked, f.atOwner = true, t.p.store.Peek(ctx, t.request(&d))
		if d = t.p.rules.decide(&t.q, f); f.atOwner != nil {
			f.atOwner.Close()
		}
	}
	for tries := 0; d.action == actFetch || d.action == actRevalidate; tries++ {
		res, err := t.p.fetchFor(ctx, t.request(&d), d.rec)
		if err != nil {
			if ctx.Err() != nil {
				return d, err
			}
			return t.p.rules.failed(&t.q, d, t.failure(err)), nil
		}
		if d = t.p.rules.fetched(&t.q, d, res, tries); d.result == nil {
			res.Close()
		}
	}
	return d, nil
}

// request is t's as one to the store, as d says.
func (t *response) request(d *decision) *store.Request {
	if t.fetch == nil {
		t.fetch = &store.Request{
			Key: t.key, Header: t.q.header, Proto: t.r.Proto, Cause: t.cause(), Head: t.q.head(),
			Whole: t.q.method == http.MethodGet && len(t.q.header["Range"]) == 0,
		}
		if t.p.cfg.NoVarySearch {
			t.fetch.Target = t.q.resource
		}
		if t.r.ProtoAtLeast(1, 1) {
			t.fetch.Inform = t.inform
		}
	}
	if d.alone {
		t.fetch.Alone, t.fetch.From = true, identified(t.r)
	}
	t.fetch.Ranged, t.fetch.Gone = d.ranged, d.gone
	return t.fetch
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

// carryOut does what d says. An error that wraps fill.ErrGone means that the bytes went away; then,
// and after any other error that doesn't wrap errCut, nothing has been sent.
func (t *response) carryOut(d *decision) error {
	if d.result != nil {
		defer d.result.Close()
	}
	switch d.action {
	case actServe:
		if d.refresh {
			t.p.store.Refresh(t.request(d), d.rec)
		}
		if d.why == whyOnError {
			t.p.store.Postpone(d.rec)
		}
		return t.respond(d)
	case actRelay:
		return t.relay(d)
	case actForward:
		return t.forward(d)
	}
	t.refuse(d)
	return nil
}
