package store

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/peer"
)

// fetchRecord asks the owner of a flight's key. If the owner can't be asked, or won't answer, this
// node stands in for it.
func (s *Store) fetchRecord(f *flight) ([]byte, error) {
	p := s.ownerOf(f.req.Key)
	if f.req.For != "" || p == nil {
		return nil, errBusy // what was asked of this node it doesn't ask on
	}
	fr, err := s.fetchFromOwner(f, p)
	if err != nil {
		if verdict(err) {
			f.verdict = err
		} else if wrong, ok := errors.AsType[*notOwner](err); ok {
			p.Disagrees(wrong.ring)
		}
		return nil, err
	}
	return fr.encode(s.cfg.Now()), nil
}

// fetchFromOwner asks p, settles the flight with the answer, and keeps a copy of it.
func (s *Store) fetchFromOwner(f *flight, p *peer.Peer) (*flightResult, error) {
	lookup := lookupRequest{Request: *f.req}
	if s.isCurrent(f.prev) {
		lookup.version, lookup.revision = f.prev.Version, f.prev.Revision
	}
	// The owner sends as much of a content as the window allows right behind the head, so what is
	// being asked for counts as a relay already: of many that ask at once, each would else have the
	// window of the only one.
	s.rooms.relays.Add(1)
	defer s.rooms.relays.Add(-1)
	ctx, cancel := context.WithCancel(s.base)
	stream, err := p.OpenWindow(ctx, lookup.encode(), s.rooms.window())
	if err != nil {
		cancel()
		return nil, err
	}
	fr, err := s.awaitOwner(f, stream, p)
	if err != nil {
		_ = stream.Close()
		cancel()
		return nil, err
	}
	if f.prev != nil && f.prev.Key != fr.rec.Key || fr.rec.outdates(f.prev) {
		s.drop(f.prev) // the origin has another rule by now, or another content
	}
	res := &Result{Record: fr.rec, Collapsed: fr.collapsed, Found: fr.found, Renewed: fr.renewed, Status: fr.status, Why: fr.why, Peer: fr.peer}
	switch {
	case !fr.content:
		_ = stream.Close()
		cancel()
		s.keepCopy(f, fr)
	case fr.rec.Pass:
		s.rooms.relays.Add(1) // what is under way counts as what relays read ahead
		cancel := sync.OnceFunc(func() { s.rooms.relays.Add(-1); cancel() })
		body := fill.Peek(told{stream, s}, cancel)
		if err := body.Broken(); err != nil {
			_ = body.Close()
			return nil, err
		}
		res.Body = &cancelling{body, cancel}
		res.Trailer = func() http.Header { return (&decoder{b: stream.End()}).header() }
		s.keepCopy(f, fr)
	default:
		s.relay(f, p, fr, res, stream, ctx, cancel)
	}
	f.settle(res)
	fr.collapsed = true // for all others who wait for it
	fr.content, fr.asked = false, false
	return fr, nil
}

// isCurrent reports whether rec, which may be nil, is what this node would answer with, if it
// sufficed.
func (s *Store) isCurrent(rec *Record) bool {
	return rec != nil && (owns(rec) || s.cfg.Now().Before(rec.Lease.Time()))
}

// awaitOwner waits for p's answer.
func (s *Store) awaitOwner(f *flight, stream *peer.Stream, p *peer.Peer) (*flightResult, error) {
	d, err := s.awaitReply(stream, f.inform)
	if err = f.req.learn(err); err != nil {
		if failed, ok := err.(*Failure); ok && failed.Stored != nil && (!s.fits(failed.Stored, f.req.Key) || failed.Stored.HeadOnly && !f.req.Head) {
			failed.Stored = nil
		} else if ok && failed.Stored != nil {
			failed.Stored.failure = failed
			s.lend(f, failed.Stored)
			s.keepCopy(f, &flightResult{rec: failed.Stored, stored: true})
		}
		return nil, err
	}
	fr, err := decodeFlightResult(d.b, s.cfg.Now())
	if err == nil && (!s.fits(fr.rec, f.req.Key) || fr.rec.HeadOnly && !f.req.Head) {
		err = errEncoding
	}
	if err != nil {
		return nil, err
	}
	s.lend(f, fr.rec)
	if fr.peer = p.Name(); fr.asked {
		f.req.Note()
	}
	return fr, nil
}

// lend makes a record that came from its owner one to answer from for a while. What is remembered
// is the request that the owner gave it for.
func (s *Store) lend(f *flight, rec *Record) {
	s.adopt(f.req.Key, rec)
	rec.since = f.since
	rec.setImprint(s.imprintOf(f.req.Header))
	rec.Lease = Until(s.cfg.Now().Add(s.cfg.Lease))
}

// keepCopy puts a near copy into the table, unless the key has been invalidated since the request.
// What the owner doesn't store any more goes from here, too.
func (s *Store) keepCopy(f *flight, fr *flightResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !fr.stored:
		s.dropLocked(fr.rec)
		return
	case s.overtakenLocked(fr.rec, f.generation) || s.outdatedLocked(f):
		return
	case fr.rec.Pass: // what was stored before has been taken back
		if old, _ := s.findLocked(fr.rec.Key, f.req.Header, f.req.Head); old != nil && !old.Pass && fr.rec.takesBack(old) {
			s.withdrawLocked(old)
		}
	}
	s.installLocked(fr.rec)
}

// relay begins to read the content that comes with an owner's answer.
func (s *Store) relay(f *flight, p *peer.Peer, fr *flightResult, res *Result, stream *peer.Stream, ctx context.Context, cancel context.CancelFunc) {
	r := &relay{s: s, rec: fr.rec, whole: f.req.Whole, begun: true}
	r.from.Store(p)
	r.heard(AskedForThis, 0)
	body := r.reading(&relayed{Stream: stream, peer: p, cause: f.req.Cause, end: fr.rec.Length})
	from := source{body: body, by: f.req.Fields(), relay: r}
	generation := f.generation
	if !fr.stored {
		generation = noGeneration
	}
	if run := s.install(f, fr.rec, generation, from, res, fr.rec.Length); run != nil {
		run.Start(ctx, cancel)
		return
	}
	_ = stream.Close()
	cancel()
}

// fetchChunk asks the owner of a chunk for it, if it holds it.
func (s *Store) fetchChunk(p *peer.Peer, key string) ([]byte, error) {
	// The store's context, since others may wait for this, too. The owner answers at once.
	stream, err := p.Open(s.base, appendString([]byte{reqChunk}, key[len(s.chunks.Prefix()):]))
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	message, value, err := stream.Next()
	if err != nil {
		return nil, err
	}
	if d := (&decoder{b: message}); d.byte() != respOK {
		return nil, errNotCached
	}
	return value, nil
}

// Peek returns what the owner of req's key has stored, if that is another node; nil if there is
// nothing, or it can't be asked.
func (s *Store) Peek(ctx context.Context, req *Request) *Result {
	if s.ownerOf(req.Key) == nil {
		return nil
	}
	stored := *req
	stored.Stored, stored.Whole = true, false
	res, err := s.Fetch(ctx, &stored, nil)
	if err != nil {
		return nil
	}
	return res
}
