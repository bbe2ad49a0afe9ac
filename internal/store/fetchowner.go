package store

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

// fetchRecord asks the owner of a flight's key. If the owner can't be asked, or doesn't answer,
// this node takes its place.
func (s *Store) fetchRecord(f *flight) error {
	owner := s.ownerBy(f.route)
	if f.req.ForPeer || owner == "" {
		return ErrBusy // a peer's request is never forwarded
	}
	f.task.Detach() // the ring has changed since it had one
	f.began = s.log.Now()
	err := s.fetchFromOwner(f, owner)
	if IsVerdict(err) {
		f.verdict = err
	}
	return err
}

// fetchFromOwner asks owner, answers the flight, and keeps a near copy.
func (s *Store) fetchFromOwner(f *flight, owner string) error {
	q := &LookupRequest{Request: f.req, Position: f.began.Position,
		Chunk: s.wantsChunk(f) && !f.req.Warm}
	if s.trusts(f.prev) {
		q.Version, q.Revision = f.prev.Version, f.prev.Revision
	}
	// The owner sends as much content as the window allows right behind the head, so the request
	// counts as a relay already. Without that, each of many concurrent requests would get the
	// window of a single one.
	room := s.rooms.allot()
	defer s.rooms.disallot(room)
	q.Window = int(room)
	found, err := s.lookUp(f, owner, q)
	if err != nil {
		return err
	}
	if f.prev != nil && f.prev.Key != found.Record.Key || found.Record.outdates(f.prev) {
		s.drop(f.prev) // the origin has another rule by now, or another content
	}
	res := &Result{
		Record: found.Record, Collapsed: found.Collapsed, Found: found.Found,
		Renewed: found.Renewed, Status: found.Status, Why: found.Why, Peer: owner,
		Chunk: found.Chunk, Warmed: found.Warmed,
	}
	switch {
	case f.req.Stored && found.Record.Pass: // one who only looks leaves what is known here as it is
	case found.Content == nil:
		s.keepCopy(f, found.Record, found.Stored)
	case found.Record.Pass:
		if err := s.passFromOwner(found.Content, res); err != nil {
			return err
		}
		s.keepCopy(f, found.Record, found.Stored)
	default:
		s.relay(f, owner, found, res)
	}
	s.audiences.bring(f, res)
	return nil
}

// wantsChunk reports whether the first chunk of the content is likely to be of use: the client
// wants the content, and this node hasn't kept the chunk longer than the record.
func (s *Store) wantsChunk(f *flight) bool {
	conditional := len(f.req.Header["If-None-Match"])+len(f.req.Header["If-Modified-Since"]) > 0
	if !f.req.Whole || conditional || f.prev == nil {
		return f.req.Whole && !conditional
	}
	_, held := s.cached(f.prev, s.cfg.Geometry.At(0, f.prev.OneSlab), false)
	return !held
}

// passFromOwner has res read a content that isn't stored anywhere.
func (s *Store) passFromOwner(content Content, res *Result) error {
	_, cancel := s.untilClosed(content)
	room := s.rooms.allot() // what is under way counts as what relays read ahead
	end := sync.OnceFunc(func() { s.rooms.disallot(room); cancel() })
	body := fill.Peek(content, end, func() {})
	if err := body.Broken(); err != nil {
		_ = body.Close()
		return err
	}
	res.Body, res.cancel = body, end
	res.Trailer = func() http.Header {
		trailer, _, _ := content.End()
		return trailer
	}
	return nil
}

// untilClosed returns a context that ends with the store's, and with which content is closed.
func (s *Store) untilClosed(content Content) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(s.base)
	context.AfterFunc(ctx, func() { _ = content.Close() })
	return ctx, cancel
}

// promptTimeout bounds the wait for what another node knows or holds. It sends that at once; a node
// that doesn't is given up, since who waits may not notice that its client has left.
const promptTimeout = 2 * time.Second

// lookUp asks owner for the record that f is to bring. The request ends with the Remote, or when it
// takes too long for what is stored.
func (s *Store) lookUp(f *flight, owner string, q *LookupRequest) (*LookupResult, error) {
	ctx := context.Background()
	if f.req.Stored {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, promptTimeout)
		defer cancel()
	}
	found, err := s.cfg.Remote.Lookup(ctx, owner, q)
	if failed, ok := err.(*Failure); ok && failed.Stored != nil {
		if s.lend(f, failed.Stored) {
			failed.Stored.failure = failed
			s.keepCopy(f, failed.Stored, true)
		} else {
			failed.Stored = nil
		}
	}
	if err != nil {
		return nil, err
	}
	if !s.lend(f, found.Record) {
		if found.Content != nil {
			_ = found.Content.Close()
		}
		return nil, errNoAnswer
	}
	return found, nil
}

// lend makes a record from its owner one that this node may answer from for a lease. The record
// remembers f's request, which the owner selected it for. It rests on what this node knew when it
// asked, since the owner knew no less. lend reports whether rec can be an answer to f at all.
func (s *Store) lend(f *flight, rec *Record) bool {
	if !s.fits(rec, f.req.Key) || rec.HeadOnly && !f.req.Head {
		return false
	}
	s.adopt(f.req.Key, rec)
	rec.basis = f.began.Token
	rec.setImprint(imprintOf(f.req.Header))
	rec.Lease = s.in(s.cfg.Lease)
	return true
}

// keepCopy puts a near copy into the table, unless its key has been invalidated since the request.
// A record that the owner doesn't store is removed here, too.
func (s *Store) keepCopy(f *flight, rec *Record, stored bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !stored:
		s.dropLocked(rec)
		return
	case s.overtaken(rec) || s.outdatedLocked(f):
		return
	case rec.Pass: // what was stored before has been taken back
		if old, _ := s.findLocked(rec.Key, f.req.Header, f.req.Head); old != nil &&
			!old.Pass && rec.takesBack(old) {
			s.withdrawLocked(old)
		}
	}
	s.installLocked(rec)
}

// relay begins to read the content that comes with an owner's answer.
func (s *Store) relay(f *flight, owner string, found *LookupResult, res *Result) {
	rec := found.Record
	ctx, cancel := s.untilClosed(found.Content)
	r := &relay{whole: f.req.Whole}
	body := r.reading(&relayed{
		Content: found.Content, owner: owner, cause: f.req.Cause, end: rec.Length,
	}, AskedForThis)
	s.install(f, res, found.Stored, source{
		end: rec.Length, body: body, by: f.req.Fields, relay: r, ctx: ctx, cancel: cancel,
	})
}

// Peek returns what another node, the owner of req's key, has stored, with the first chunk if req
// is for the whole. It returns nil if there is nothing, if the owner can't be asked, or if this
// node is the owner.
func (s *Store) Peek(ctx context.Context, req *Request) *Result {
	if s.ownerOf(req.Key) == "" {
		return nil
	}
	stored := *req
	stored.Stored = true
	res, err := s.Fetch(ctx, &stored, nil)
	if err != nil {
		return nil
	}
	return res
}
