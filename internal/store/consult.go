package store

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/peer"
)

// askRecord asks the owner of a flight's key. If the owner can't be asked, or won't answer, this node stands in for it.
func (s *Store) askRecord(ctx context.Context, p *peer.Peer, _ string) ([]byte, error) {
	f := ctx.Value(flightKey{}).(*flight)
	if f.ask.For != "" {
		return nil, errBusy // what was asked of this node it doesn't ask on
	}
	l, err := s.consult(f, p)
	if err != nil {
		if verdict(err) {
			f.verdict = err
		} else if wrong, ok := errors.AsType[*wrongOwner](err); ok {
			p.Disagrees(wrong.ring)
		}
		return nil, err
	}
	return l.encode(s.cfg.Now()), nil
}

// consult asks p, settles the flight with the answer, and keeps a copy of it.
func (s *Store) consult(f *flight, p *peer.Peer) (*landing, error) {
	q := question{Ask: *f.ask}
	if s.stands(f.prev) {
		q.version, q.revision = f.prev.Version, f.prev.Revision
	}
	ctx, cancel := context.WithCancel(s.base)
	stream, err := p.OpenWindow(ctx, q.encode(), s.rooms.window())
	if err != nil {
		cancel()
		return nil, err
	}
	l, err := s.consulted(f, stream, p)
	if err != nil {
		_ = stream.Close()
		cancel()
		return nil, err
	}
	if f.prev != nil && f.prev.Key != l.rec.Key || l.rec.outdates(f.prev) {
		s.drop(f.prev) // the origin has another rule by now, or another content
	}
	a := &Answer{Record: l.rec, Collapsed: l.collapsed, Found: l.found, Renewed: l.renewed, Status: l.status, Why: l.why, Peer: l.peer}
	switch {
	case !l.content:
		_ = stream.Close()
		cancel()
		s.keepCopy(f, l)
	case l.rec.Pass:
		s.rooms.relays.Add(1) // what is under way counts as what relays read ahead
		cancel := sync.OnceFunc(func() { s.rooms.relays.Add(-1); cancel() })
		body := fill.Peek(told{stream, s}, cancel)
		if err := body.Broken(); err != nil {
			_ = body.Close()
			return nil, err
		}
		a.Body = &cancelling{body, cancel}
		a.Trailer = func() http.Header { return (&decoder{b: stream.End()}).header() }
		s.keepCopy(f, l)
	default:
		s.relay(f, p, l, a, stream, ctx, cancel)
	}
	f.settle(a)
	l.collapsed = true // for all others who wait for it
	l.content, l.asked = false, false
	return l, nil
}

// stands tells whether rec, which may be nil, is what this node would answer with, if it sufficed.
func (s *Store) stands(rec *Record) bool {
	return rec != nil && (owns(rec) || s.cfg.Now().Before(rec.Lease.Time()))
}

// consulted waits for p's answer.
func (s *Store) consulted(f *flight, stream *peer.Stream, p *peer.Peer) (*landing, error) {
	d, err := s.answer(stream, f.inform)
	if err = f.ask.learn(err); err != nil {
		if failed, ok := err.(*Failure); ok && failed.Stored != nil && (!s.fits(failed.Stored, f.ask.Key) || failed.Stored.HeadOnly && !f.ask.Head) {
			failed.Stored = nil
		} else if ok && failed.Stored != nil {
			failed.Stored.failure = failed
			s.leased(f, failed.Stored)
			s.keepCopy(f, &landing{rec: failed.Stored, stored: true})
		}
		return nil, err
	}
	l, err := decodeLanding(d.b, s.cfg.Now())
	if err == nil && (!s.fits(l.rec, f.ask.Key) || l.rec.HeadOnly && !f.ask.Head) {
		err = errEncoding
	}
	if err != nil {
		return nil, err
	}
	s.leased(f, l.rec)
	if l.peer = p.Name(); l.asked {
		f.ask.Note()
	}
	return l, nil
}

// leased makes a record that came from its owner one to answer from for a while. What is remembered
// is the request that the owner gave it for.
func (s *Store) leased(f *flight, rec *Record) {
	s.adopt(f.ask.Key, rec)
	rec.since = f.since
	rec.setImprint(s.imprintOf(f.ask.Header))
	rec.Lease = Until(s.cfg.Now().Add(s.cfg.Lease))
}

// keepCopy puts a near copy into the table, unless the key has been invalidated since the question. What the owner
// doesn't store any more goes from here, too.
func (s *Store) keepCopy(f *flight, l *landing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !l.stored:
		s.dropLocked(l.rec)
		return
	case s.overtakenLocked(l.rec, f.generation) || s.outdatedLocked(f):
		return
	case l.rec.Pass: // what was stored before has been taken back
		if old, _ := s.findLocked(l.rec.Key, f.ask.Header, f.ask.Head); old != nil && !old.Pass && l.rec.takesBack(old) {
			s.withdrawLocked(old)
		}
	}
	s.installLocked(l.rec)
}

// relay begins to read the content that comes with an owner's answer.
func (s *Store) relay(f *flight, p *peer.Peer, l *landing, a *Answer, stream *peer.Stream, ctx context.Context, cancel context.CancelFunc) {
	r := &relay{s: s, rec: l.rec, whole: f.ask.Whole, begun: true}
	r.from.Store(p)
	r.heard(AskedForThis, 0)
	body := r.reading(&relayed{Stream: stream, peer: p, cause: f.ask.Cause, end: l.rec.Length})
	from := source{body: body, by: f.ask.Fields(), relay: r}
	generation := f.generation
	if !l.stored {
		generation = noGeneration
	}
	if run := s.enter(f, l.rec, generation, from, a, l.rec.Length); run != nil {
		run.Start(ctx, cancel)
		return
	}
	_ = stream.Close()
	cancel()
}

// askChunk asks the owner of a chunk for it, if it holds it.
func (s *Store) askChunk(ctx context.Context, p *peer.Peer, key string) ([]byte, error) {
	c, ok := ctx.Value(chunkAskKey{}).(*chunkAsk)
	if !ok || !c.afar {
		return nil, errNotHeld
	}
	// The store's context, since others may wait for this, too. The owner answers at once.
	stream, err := p.Open(s.base, appendString([]byte{askChunk}, key))
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	message, value, err := stream.Next()
	if err != nil {
		return nil, err
	}
	if d := (&decoder{b: message}); d.byte() != answerOK {
		return nil, errNotHeld
	}
	c.peer = p.Name()
	return value, nil
}

// Peek returns what the owner of ask's key has stored, if that is another node; nil if there is nothing, or it can't be
// asked.
func (s *Store) Peek(ctx context.Context, ask *Ask) *Answer {
	if s.ownerOf(ask.Key) == nil {
		return nil
	}
	stored := *ask
	stored.Stored, stored.Whole = true, false
	a, err := s.Fetch(ctx, &stored, nil)
	if err != nil {
		return nil
	}
	return a
}
