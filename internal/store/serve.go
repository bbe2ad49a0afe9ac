package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/wire"
)

// Serve answers an ask of another node. Whatever it asks for, this node doesn't ask on: neither can wait for the other
// then, whatever their rings say.
func (s *Store) Serve(c *wire.Call) {
	d := &decoder{b: c.Message()}
	switch d.byte() {
	case askRecord:
		s.serveRecord(c, d)
	case askChunk:
		s.serveChunk(c, d)
	case askPiece:
		s.servePiece(c, d)
	case askFollow:
		s.serveFollow(c, d)
	case askTakeOver:
		s.serveTakeOver(c, d)
	case askInvalidate:
		s.serveInvalidate(c, d)
	case askPut:
		s.servePut(c, d)
	case askHeld:
		s.serveHeld(c, d)
	case askVaries:
		s.serveVaries(c, d)
	case askTold:
		s.serveTold(c, d)
	case askDoubt:
		s.Doubt()
		reply(c, []byte{answerOK}, nil)
	default:
		s.refuse(c, errBusy)
	}
}

// reply sends an answer that nothing follows. If it can't, nobody is there to be told.
func reply(c *wire.Call, message, value []byte) { _ = c.Respond(message, value) }

func (s *Store) refuse(c *wire.Call, err error) { reply(c, s.encodeError(err), nil) }

func (s *Store) serveChunk(c *wire.Call, d *decoder) {
	key := d.string()
	if d.bad || s.cfg.Node.Owner(peer.RoutingKey(key)) != nil {
		s.refuse(c, errWrongOwner)
		return
	}
	key = s.chunks.Prefix() + key
	if !s.chunks.BeginServing(key) {
		s.refuse(c, errBusy)
		return
	}
	b, err := s.chunks.Get(c.Context(), key)
	s.chunks.EndServing(key)
	if err != nil {
		reply(c, []byte{answerNotHeld}, nil)
		return
	}
	reply(c, []byte{answerOK}, b)
}

func (s *Store) serveInvalidate(c *wire.Call, d *decoder) {
	keys, groups := d.strings(), d.strings()
	if d.bad {
		s.refuse(c, errBusy)
		return
	}
	s.invalidate(slices.DeleteFunc(keys, func(key string) bool { return s.cfg.Source.Check(key) != nil }), groups)
	reply(c, []byte{answerOK}, nil)
}

func (s *Store) serveRecord(c *wire.Call, d *decoder) {
	q := decodeQuestion(d)
	switch {
	case d.bad || s.cfg.Source.Check(q.Key) != nil || q.Target != "" && s.cfg.Source.Check(q.Target) != nil:
		s.refuse(c, errBusy)
		return
	case s.ownerOf(q.Key) != nil:
		s.refuse(c, errWrongOwner)
		return
	}
	q.For = "peer"
	q.Inform = func(status int, header http.Header) {
		_ = c.Reply(appendHeader(binary.AppendVarint([]byte{answerInterim}, int64(status)), header), nil)
	}
	a, err := s.lookup(c.Context(), q)
	if err != nil {
		s.refuse(c, q.after(err))
		return
	}
	defer a.Close()
	l := &landing{
		rec: s.toldTo(a.Record, &q.Ask), found: a.Found, collapsed: a.Collapsed, renewed: a.Renewed, status: a.Status, why: a.Why,
		content: a.Body != nil || a.follower != nil, stored: s.stores(a.Record), asked: q.noted(),
	}
	if c.Reply(append([]byte{answerOK}, l.encode(s.cfg.Now())...), nil) != nil {
		return
	}
	switch {
	case !l.content:
		_ = c.End(nil)
	case a.Body != nil:
		defer context.AfterFunc(c.Context(), a.Cancel)() // lest it be read for nobody
		s.pumpOnce(c, a)
	default:
		var rd Reader
		s.ReaderFrom(&rd, q.Fields(), a, 0, -1)
		rd.forPeer()
		s.pump(c, &rd)
	}
}

// lookup answers another node's question: with what is stored, if that is fresh and isn't what was found wanting, else by
// way of the origin.
func (s *Store) lookup(ctx context.Context, q *question) (*Answer, error) {
	rec, lapsed := s.findFor(q)
	if rec != nil && q.Gone == rec.Version {
		s.drop(rec)
		rec = nil
	}
	if rec != nil && !q.takes(rec) {
		rec = nil
	}
	why := s.why(q, rec)
	switch known := rec != nil && !lapsed; {
	case known && q.Stored:
		return &Answer{Record: rec, Found: true}, nil
	case q.Stored:
		return nil, errNone
	case known && q.Background && s.rests(rec):
		return &Answer{Record: rec, Found: true}, nil
	case known && (rec.Version != q.version || rec.Revision != q.revision || s.rests(rec)):
		if rec.Pass {
			return &Answer{Record: rec, Found: true}, nil
		}
		if usable, refresh := s.cfg.Source.Usable(rec, q.Header); usable {
			if refresh {
				s.Refresh(&q.Ask, rec)
			}
			return &Answer{Record: rec, Found: true}, nil
		}
	}
	if rec != nil && (rec.Pass || (q.Alone && q.version == "")) {
		rec = nil // for whoever has nothing to be validated, and wants no one else's
	}
	a, err := s.Fetch(ctx, &q.Ask, rec)
	if failed, ok := errors.AsType[*Failure](err); ok {
		told := *failed
		told.Why = why
		if rec != nil {
			told.Stored = s.toldTo(rec, &q.Ask).with(func(r *Record) { r.RetryAfter = Until(s.cfg.Now().Add(RetryAfter)) })
		}
		return nil, &told
	}
	if err == nil {
		a.Why = why
	}
	return a, err
}

// findFor finds what is stored for what q asks for. This node may know better than the one that asks what its key is.
func (s *Store) findFor(q *question) (rec *Record, lapsed bool) {
	q.Target = cmp.Or(q.Target, q.Key)
	keys := s.cfg.Source.Keys(q.Target)
	for _, q.Key = range keys {
		if rec, lapsed = s.Find(q.Key, q.Header, q.Head); rec != nil && s.cfg.Source.Answers(rec, q.Target) {
			return rec, lapsed
		}
	}
	q.Key = keys[0]
	return nil, false
}

// why is why the origin is to be asked although rec, which may be nil, is stored of what q asks for.
func (s *Store) why(q *question, rec *Record) Why {
	if rec != nil && !rec.Pass {
		if usable, _ := s.cfg.Source.Usable(rec, nil); usable && rec.Revision != q.revision {
			return Unwanted
		}
		return Outdated
	}
	if any, _ := s.Holds(q.Key, q.Head); any {
		return OtherVariants
	}
	return Nothing
}

// stores tells whether rec, or what has taken its place with the same bytes, is in the table.
func (s *Store) stores(rec *Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.successorLocked(rec) != nil
}

func (s *Store) drop(rec *Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(rec)
}

func (s *Store) serveFollow(c *wire.Call, d *decoder) {
	rec, ask, err := s.stretched(c, d)
	if err != nil {
		s.refuse(c, err)
		return
	}
	s.calls.Store(ask.call, ask.by.Cause)
	defer s.calls.Delete(ask.call)
	var rd Reader
	s.Reader(&rd, ask.by, rec, ask.off, ask.end)
	rd.forPeer()
	if ask.whole {
		rd.ahead = fill.Everything
	}
	if err := rd.Ready(c.Context()); err != nil {
		rd.Close()
		s.refuse(c, rd.by.after(s.finding(c, err)))
		return
	}
	if c.Reply(append(binary.AppendVarint([]byte{answerOK}, rd.rec.Length), byte(rd.Foresee(c.Context()))), nil) != nil {
		rd.Close()
		return
	}
	s.pump(c, &rd)
}

// pump sends what rd reads.
func (s *Store) pump(c *wire.Call, rd *Reader) {
	defer rd.Close()
	for {
		b, err := rd.Next(c.Context(), nil)
		switch {
		case err == io.EOF:
			var detail []byte
			if trailer, asked := rd.Trailer(), rd.Asked(); len(trailer) > 0 || asked != NotAsked {
				detail = append(appendHeader(nil, trailer), byte(asked))
			}
			_ = c.End(detail)
			return
		case err != nil:
			_ = c.Abort(s.encodeError(rd.by.after(s.finding(c, err))))
			return
		}
		if _, err := c.Write(b); err != nil {
			return // nobody reads it any more
		}
	}
}

// finding is what an error of reading for another node says: that this node stops, or has no room, else something about the origin, which
// nobody needs to find out again.
func (s *Store) finding(c *wire.Call, err error) error {
	switch {
	case s.base.Err() != nil || c.Context().Err() != nil || errors.Is(err, errBusy):
		return errBusy
	case verdict(err) || errors.Is(err, ErrRefused):
		return err
	}
	return s.cfg.Source.Failed(err)
}

// pumpOnce sends a body that isn't stored. What is written must not be changed afterwards, so each piece has memory of its
// own.
func (s *Store) pumpOnce(c *wire.Call, a *Answer) {
	for {
		b := make([]byte, 32<<10)
		n, err := a.Body.Read(b)
		if n > 0 {
			if _, err := c.Write(b[:n]); err != nil {
				return
			}
		}
		switch {
		case err == io.EOF:
			_ = c.End(appendHeader(nil, a.trailer()))
			return
		case err != nil:
			_ = c.Abort(s.encodeError(s.finding(c, err)))
			return
		}
	}
}
