package serve

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/trace"
)

// Resource answers a request for a resource.
func (s *Server) Resource(w *logging.Writer, r *http.Request, resource string) {
	s.resource(w, r, resource, false)
}

// Warm has the content of a resource held by the nodes that own it, as a GET would. Nobody wants
// the content: w gets the head once all of it is held, with its length, and without asking the
// origin if it is known that the response can't be stored.
func (s *Server) Warm(w *logging.Writer, r *http.Request, resource string) {
	w.Note = "warm"
	s.resource(w, r, resource, true)
}

// resource is Resource or Warm. Here decisions are carried out, outcomes become the access log's
// line, and a response that can't be completed becomes an aborted connection.
func (s *Server) resource(w *logging.Writer, r *http.Request, resource string, warm bool) {
	if h := s.Site.Strip(r.Header); len(h) != len(r.Header) {
		r = r.WithContext(r.Context()) // a copy
		r.Header = h
	}
	t := responses.Get().(*response)
	*t = response{s: s, w: w, r: r, id: w.ID(), span: w.Span(), entry: &w.Entry,
		q: s.Request(r, resource), warm: warm}
	defer func() {
		t.entry.Cache = cmp.Or(t.entry.Cache, t.outcome.String())
		*t = response{}
		responses.Put(t)
	}()
	err := t.answer()
	switch {
	case err != nil && t.r.Context().Err() != nil, errors.Is(err, errCut):
		panic(http.ErrAbortHandler)
	case err != nil:
		t.fail(err, decide.CacheStatus{})
	}
}

// answer looks up, decides, and carries the decision out; all that again as long as what was to be
// sent goes away.
func (t *response) answer() error {
	if d, ok := t.s.Rules.AtOnce(&t.q); ok {
		return t.carryOut(&d)
	}
	t.entry.Owner = t.s.Store.Owner(t.q.Resource)
	var f decide.Found
	for {
		t.s.Lookup(&t.q, &f)
		t.key, t.fetch = f.Key, nil
		var err error
		d := t.s.Rules.Decide(&t.q, &f)
		if d.Asks() {
			span := t.span.Inside("lookup")
			err = t.ask(&f, &d)
			endLookup(span, &d, err)
		}
		if err == nil {
			err = t.carryOut(&d)
		}
		switch {
		case err == nil, errors.Is(err, errCut), t.r.Context().Err() != nil:
			return err
		case !errors.Is(err, fill.ErrGone): // else the version that was to be read is no more
			t.fail(err, d.Status)
			return nil
		}
		f = decide.Found{Gone: d.Record, Tries: f.Tries + 1}
	}
}

// ask asks the owner and the origin for as long as d wants it, and makes d the decision that
// doesn't.
func (t *response) ask(f *decide.Found, d *decide.Decision) error {
	ctx := t.r.Context()
	if d.Action == decide.Look {
		f.Looked, f.AtOwner = true, t.s.Store.Peek(ctx, t.request(d))
		if *d = t.s.Rules.Decide(&t.q, f); f.AtOwner != nil {
			f.AtOwner.Close()
		}
	}
	for tries := 0; d.Action == decide.Fetch || d.Action == decide.Revalidate; tries++ {
		res, err := t.s.fetchFor(ctx, t.request(d), d.Record)
		if err == nil {
			t.span.Link(res.Shared)
		}
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			*d = t.s.Rules.Failed(&t.q, *d, t.failure(err))
			return nil
		}
		if *d = t.s.Rules.Fetched(&t.q, *d, res, tries); d.Result == nil {
			res.Close()
		}
	}
	return nil
}

// endLookup ends the span of what was asked so that d could be decided, if there is one.
func endLookup(span *trace.Span, d *decide.Decision, err error) {
	if !span.Recorded() {
		return
	}
	span.Set(trace.Attributes{}.Text(trace.Outcome, d.Outcome.String()).Text(trace.Peer, d.Peer))
	if err == nil && d.Failure != nil {
		err = d.Failure
	}
	if err != nil {
		span.Fail(store.FailureKind(err), err)
	}
	span.End()
}

// request is t's as one to the store, as d says.
func (t *response) request(d *decide.Decision) *store.Request {
	if t.fetch == nil {
		t.fetch = &store.Request{
			Key: t.key, Head: t.q.Head(),
			Fields: store.Fields{Header: t.q.Header, Proto: t.r.Proto, Cause: t.cause()},
			Whole:  t.q.Whole(),
			Warm:   t.warm,
		}
		if t.s.Site.NoVarySearch {
			t.fetch.Target = t.q.Resource
		}
		if t.r.ProtoAtLeast(1, 1) {
			t.fetch.Inform = t.inform
		}
	}
	if d.Alone {
		t.fetch.Alone, t.fetch.From = true, fetch.Identified(t.r)
	}
	t.fetch.Ranged, t.fetch.Gone = d.Ranged, d.Gone
	return t.fetch
}

// fetchFor is the store's Fetch. If what that brings turns out to be for other resources only, it
// asks for req's own.
func (s *Server) fetchFor(ctx context.Context, req *store.Request,
	prev *store.Record) (*store.Result, error) {
	resource := cmp.Or(req.Target, req.Key)
	for tries := 1; ; tries++ {
		res, err := s.Store.Fetch(ctx, req, prev)
		if err != nil || tries == 3 || s.answers(res.Record, resource) {
			return res, err
		}
		res.Close()
		req.Key, req.Target, prev = resource, "", nil
		req.Alone = req.Alone || tries == 2
	}
}

// carryOut does what d says. An error that wraps fill.ErrGone means that the bytes went away; then,
// and after any other error that doesn't wrap errCut, nothing has been sent.
func (t *response) carryOut(d *decide.Decision) error {
	if d.Result != nil {
		defer d.Result.Close()
	}
	if t.warm && (d.Action == decide.Relay || d.Action == decide.Forward) {
		t.passOver(d)
		return nil
	}
	switch d.Action {
	case decide.Serve:
		if d.Refresh {
			t.s.Store.Refresh(t.request(d), d.Record)
		}
		if d.Why == decide.WhyOnError {
			t.s.Store.Postpone(d.Record)
		}
		if t.warm {
			return t.warmUp(d)
		}
		return t.respond(d)
	case decide.Relay:
		return t.relay(d)
	case decide.Forward:
		return t.forward(d)
	}
	t.refuse(d)
	return nil
}
