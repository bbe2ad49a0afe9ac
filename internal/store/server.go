package store

import (
	"cmp"
	"context"
	"errors"

	"github.com/scurrycache/scurry/internal/chunk"
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
	found := &LookupResult{
		Record: s.offeredTo(res.Record, &q.Request), Stored: s.successor(res.Record) != nil,
		Found: res.Found, Collapsed: res.Collapsed, Renewed: res.Renewed,
		Status: res.Status, Why: res.Why,
	}
	if res.Body == nil && res.follower == nil {
		res.Close()
		return found, nil, nil
	}
	return found, s.sendingResult(ctx, q, res), nil
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
	why := s.why(q, rec)
	if rec != nil && !mustRevalidate && s.suffices(rec, q) {
		return &Result{Record: rec, Found: true}, nil
	}
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

// Chunk returns a chunk by its key, which is without the group's prefix, if this node owns and
// holds it. This node can't tell what response the chunk belongs to, so the requester must know all
// that is removed.
func (v *Server) Chunk(key string, p *invalidation.Position) ([]byte, error) {
	s := v.s
	if !s.ownsChunk(key) {
		return nil, ErrNotOwner
	}
	if !s.log.Covers(p) {
		return nil, ErrBehind
	}
	switch b, ok, busy := s.chunks.Serve(key); {
	case busy:
		return nil, ErrBusy
	case !ok:
		return nil, ErrNotCached
	default:
		return b, nil
	}
}

// Fragment returns the bytes of a version from off on, if this node holds a fragment with them.
func (v *Server) Fragment(rec *Record, off int64, p *invalidation.Position) ([]byte, error) {
	if off < 0 || v.odd(rec.Key) {
		return nil, ErrBusy
	}
	if !v.s.log.Covers(p) {
		return nil, ErrBehind
	}
	b, ok := v.s.fragmentAt(rec, off)
	if !ok {
		return nil, ErrNotCached
	}
	return b, nil
}

// Read begins to read what q asks for. What it returns must be closed; it is nil if q takes over.
func (v *Server) Read(ctx context.Context, q *ReadRequest) (*Sending, error) {
	s := v.s
	rec, err := v.readable(q)
	if err != nil {
		return nil, err
	}
	sent := &Sending{s: s}
	s.Reader(&sent.rd, q.By, rec, q.Off, q.End)
	sent.rd.localOnly, sent.rd.takesOver = true, q.TakesOver
	if q.Whole && !q.TakesOver {
		sent.rd.ahead = fill.Everything
	}
	err = sent.rd.Ready(ctx)
	if err == nil && !q.TakesOver {
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

// Foresee reports whether the origin would be asked for some of those parts of a content.
func (v *Server) Foresee(rec *Record, parts []chunk.Span) (asked Asked, err error) {
	if v.odd(rec.Key) || rec.Length < 0 || rec.Length >= MaxLength {
		return 0, ErrBusy
	}
	for _, part := range parts {
		if part.Start < 0 || part.Start >= part.End || part.End > rec.Length {
			return 0, ErrBusy
		}
		here, _ := v.s.foresee(rec, part, false)
		if asked = max(asked, here); asked == AskedForThis {
			break
		}
	}
	return asked, nil
}

// Put stores a response with its whole content, if this node owns it.
func (v *Server) Put(key string, rec *Record, content []byte, p *invalidation.Position) error {
	s := v.s
	whole := rec.Length == int64(len(content)) && !rec.Pass && !rec.HeadOnly && rec.Part == Part{}
	if v.odd(key) || !s.fits(rec, key) || !whole || s.ownerOf(key) != "" {
		return ErrBusy
	}
	rec.Key = key
	basis, verdict := s.log.Accepts(s.resource(key, rec.Groups), p)
	if verdict == invalidation.Current {
		s.put(rec, content, basis)
	}
	return nil
}

// Varies drops what is stored here under a key of another node's, and has what is on its way there
// not stored.
func (v *Server) Varies(key string) error {
	s := v.s
	if v.odd(key) {
		return ErrBusy
	}
	if s.ownerOf(key) != "" { // if this node owns it, it knows by itself
		s.mu.Lock()
		defer s.mu.Unlock()
		s.variedAt(key).Add(1)
		s.removeLocked(key)
	}
	return nil
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
