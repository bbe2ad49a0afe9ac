package store

import (
	"cmp"
	"context"
	"errors"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/invalidation"
)

// Server answers other nodes from a store: it is the far end of their Remotes. Requests may contain
// anything. It never forwards a request to a third node, so nodes with different rings can't
// deadlock.
type Server struct{ s *Store }

// Server returns a Server for s.
func (s *Store) Server() *Server { return &Server{s} }

// odd reports whether a string that another node sent is no cache key.
func (v *Server) odd(key string) bool { return v.s.cfg.Keys.Check(key) != nil }

// Lookup answers with what is stored, if that is fresh and isn't what the requester found wanting.
// Otherwise it fetches. The Content that follows, if not nil, must be closed.
func (v *Server) Lookup(ctx context.Context, q *LookupRequest) (*LookupResult, *Sending, error) {
	s := v.s
	if v.odd(q.Key) || q.Target != "" && v.odd(q.Target) {
		return nil, nil, ErrBusy
	}
	if s.ownerOf(q.Key) != "" {
		return nil, nil, ErrNotOwner
	}
	if !v.upTo(q.Position) {
		return nil, nil, ErrBehind
	}
	q.ForPeer = true
	res, err := s.lookup(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	if q.Warm {
		found, err := v.warmed(ctx, q, res)
		return found, nil, err
	}
	found := v.found(q, res)
	if res.Body == nil && res.follower == nil {
		res.Close()
		if q.Chunk && (!q.Stored || res.Record.Length <= s.cfg.Geometry.Max) {
			found.Chunk = s.heldChunk(res.Record, res.Found)
		}
		return found, nil, nil
	}
	return found, s.sendingResult(ctx, q, res), nil
}

// found is what q is answered with, but for the content.
func (v *Server) found(q *LookupRequest, res *Result) *LookupResult {
	return &LookupResult{
		Record: v.s.offeredTo(res.Record, &q.Request), Stored: v.s.successor(res.Record) != nil,
		Found: res.Found, Collapsed: res.Collapsed, Renewed: res.Renewed,
		Status: res.Status, Why: res.Why, Shared: res.Shared,
	}
}

// heldChunk returns the first chunk of rec's content, if this node holds it. What the record itself
// holds needs no chunk. use is cached's.
func (s *Store) heldChunk(rec *Record, use bool) []byte {
	if rec.small != nil {
		return nil
	}
	b, _ := s.cached(rec, s.cfg.Geometry.At(0, rec.OneSlab), use)
	return b
}

// lookup is Lookup for what this node owns.
func (s *Store) lookup(ctx context.Context, q *LookupRequest) (*Result, error) {
	rec, mustRevalidate := s.findFor(q)
	if rec != nil && q.Gone == rec.Version {
		s.drop(rec)
		rec = nil
	} else if rec != nil && !q.takes(rec) {
		rec = nil
	}
	if rec != nil && !mustRevalidate && s.suffices(rec, q) {
		return &Result{Record: rec, Found: true}, nil
	}
	why := s.why(q, rec)
	if q.Stored {
		return nil, ErrNone
	}
	if rec != nil && (rec.Pass || (q.Alone && q.Version == "")) {
		rec = nil // the requester has nothing to validate, and mustn't share another's response
	}
	res, err := s.Fetch(ctx, &q.Request, rec)
	if failed, ok := errors.AsType[*Failure](err); ok {
		told := *failed
		told.Why = why
		if rec != nil && !rec.Invalid {
			told.Stored = s.offeredTo(rec, &q.Request).with(func(r *Record) {
				r.RetryAfter = s.in(RetryAfter)
			})
		}
		return nil, &told
	}
	if err == nil {
		res.Why = why
	}
	return res, err
}

// suffices reports whether rec, which need not be revalidated, answers q.
func (s *Store) suffices(rec *Record, q *LookupRequest) bool {
	rests := rec.rests(s.cfg.Now())
	switch {
	case q.Stored || q.Background && rests:
		return true
	case rec.Version == q.Version && rec.Revision == q.Revision && !rests:
		return false
	case rec.Pass:
		return true
	}
	usable, refresh := s.cfg.usable(rec, q.Header)
	if refresh {
		s.Refresh(&q.Request, rec)
	}
	return usable
}

// findFor finds what is stored for q. This node may know better than the requester under which key
// that is.
func (s *Store) findFor(q *LookupRequest) (rec *Record, mustRevalidate bool) {
	q.Target = cmp.Or(q.Target, q.Key)
	keys := s.cfg.Keys.Keys(q.Target)
	for _, q.Key = range keys {
		rec, mustRevalidate = s.Find(q.Key, q.Header, q.Head)
		if rec != nil && s.cfg.answers(rec, q.Target) {
			return rec, mustRevalidate
		}
	}
	q.Key = keys[0]
	return nil, false
}

// why is the reason for which the origin is asked for q, although rec, which may be nil, is stored.
func (s *Store) why(q *LookupRequest, rec *Record) Why {
	if rec != nil && !rec.Pass {
		if usable, _ := s.cfg.usable(rec, nil); usable && !rec.Invalid &&
			rec.Revision != q.Revision {
			return Unwanted
		}
		return Outdated
	}
	if any, _ := s.Holds(q.Key, q.Head); any {
		return OtherVariants
	}
	return Nothing
}

// Read begins to read what q asks for. What it returns must be closed; it is nil if q takes over,
// or once all is held that q is to warm.
func (v *Server) Read(ctx context.Context, q *ReadRequest) (*Sending, error) {
	s := v.s
	rec, err := v.readable(q)
	if err != nil {
		return nil, err
	}
	sent := &Sending{s: s}
	s.Reader(&sent.rd, &q.By, rec, q.Off, q.End)
	sent.rd.localOnly, sent.rd.takesOver = true, q.TakesOver
	if q.Whole && !q.TakesOver {
		sent.rd.ahead = fill.Everything
	}
	if q.Warm {
		_, err = sent.rd.exhaust(ctx)
	} else {
		err = sent.rd.Ready(ctx)
	}
	if err == nil && !q.TakesOver && !q.Warm {
		return sent, nil
	}
	if sent.Close(); err != nil {
		err = s.failureFor(ctx, err)
	}
	return nil, err
}

// readable returns the record of what q wants to read, or why this node can't read that.
func (v *Server) readable(q *ReadRequest) (*Record, error) {
	s, rec := v.s, q.Record
	if v.odd(q.Key) || !s.fits(rec, q.Key) || rec.HeadOnly || !q.within(rec) {
		return nil, ErrBusy
	}
	s.adopt(q.Key, rec)
	if s.outlived(rec, q.Position) {
		return nil, ErrBehind
	}
	if q.Undivided && rec.refetchable() {
		s.refusals.heard(s.keyPrefixOf(rec))
	}
	switch {
	case s.slabOwner(rec, q.Off) == "":
		return rec, nil
	case s.undivided(rec):
		return nil, ErrRefused
	}
	return nil, ErrNotOwner
}

// within reports whether q asks for bytes that rec's content may have.
func (q *ReadRequest) within(rec *Record) bool {
	switch {
	case q.Off < 0 || q.End >= 0 && q.End <= q.Off:
		return false
	case q.End < 0 && rec.refetchable():
		return false
	}
	return rec.Length < 0 || q.Off < rec.Length && q.End <= rec.Length
}

// upTo reports whether this node knows all entries of p, and has swept the table for them. It is to
// be called before a record is looked for.
func (v *Server) upTo(p *invalidation.Position) bool {
	v.s.mu.Lock() // a sweep that is under way ends first
	defer v.s.mu.Unlock()
	return !v.s.Behind(p)
}

// failureFor is the error that another node is told if reading for it has failed with err: that
// this node stops or has no room, or a verdict on the origin.
func (s *Store) failureFor(ctx context.Context, err error) error {
	switch {
	case s.base.Err() != nil || ctx.Err() != nil || errors.Is(err, ErrBusy):
		return ErrBusy
	case IsVerdict(err) || errors.Is(err, ErrRefused):
		return err
	}
	return s.cfg.Source.Failed(err)
}
