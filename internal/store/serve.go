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

// Serve answers an ask of another node. Whatever it asks for, this node doesn't ask on: neither can
// wait for the other then, whatever their rings say.
func (s *Store) Serve(c *wire.Call) {
	d := &decoder{b: c.Message()}
	switch d.byte() {
	case reqRecord:
		s.serveRecord(c, d)
	case reqChunk:
		s.serveChunk(c, d)
	case reqFragment:
		s.serveFragment(c, d)
	case reqRead:
		s.serveRead(c, d)
	case reqTakeOver:
		s.serveTakeOver(c, d)
	case reqInvalidate:
		s.serveInvalidate(c, d)
	case reqPut:
		s.servePut(c, d)
	case reqCached:
		s.serveCached(c, d)
	case reqVaries:
		s.serveVaries(c, d)
	case reqOriginAsked:
		s.serveOriginAsked(c, d)
	case reqRevalidateAll:
		s.RevalidateAll()
		reply(c, []byte{respOK}, nil)
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
		s.refuse(c, errNotOwner)
		return
	}
	switch b, ok, busy := s.chunks.Serve(key); {
	case busy:
		s.refuse(c, errBusy)
	case !ok:
		reply(c, []byte{respNotCached}, nil)
	default:
		reply(c, []byte{respOK}, b)
	}
}

func (s *Store) serveInvalidate(c *wire.Call, d *decoder) {
	keys, groups := d.strings(), d.strings()
	if d.bad {
		s.refuse(c, errBusy)
		return
	}
	s.invalidate(slices.DeleteFunc(keys, func(key string) bool { return s.cfg.Source.Check(key) != nil }), groups)
	reply(c, []byte{respOK}, nil)
}

func (s *Store) serveRecord(c *wire.Call, d *decoder) {
	lookup := decodeLookupRequest(d)
	switch {
	case d.bad || s.cfg.Source.Check(lookup.Key) != nil || lookup.Target != "" && s.cfg.Source.Check(lookup.Target) != nil:
		s.refuse(c, errBusy)
		return
	case s.ownerOf(lookup.Key) != nil:
		s.refuse(c, errNotOwner)
		return
	}
	lookup.For = "peer"
	lookup.Inform = func(status int, header http.Header) {
		_ = c.Reply(appendHeader(binary.AppendVarint([]byte{respInterim}, int64(status)), header), nil)
	}
	res, err := s.lookup(c.Context(), lookup)
	if err != nil {
		s.refuse(c, lookup.after(err))
		return
	}
	defer res.Close()
	fr := &flightResult{
		rec: s.offeredTo(res.Record, &lookup.Request), found: res.Found, collapsed: res.Collapsed, renewed: res.Renewed, status: res.Status, why: res.Why,
		content: res.Body != nil || res.follower != nil, stored: s.stores(res.Record), asked: lookup.noted(),
	}
	if c.Reply(append([]byte{respOK}, fr.encode(s.cfg.Now())...), nil) != nil {
		return
	}
	switch {
	case !fr.content:
		_ = c.End(nil)
	case res.Body != nil:
		defer context.AfterFunc(c.Context(), res.Cancel)() // so that it isn't read for nobody
		s.sendOnce(c, res)
	default:
		var rd Reader
		s.ReaderFrom(&rd, lookup.Fields(), res, 0, -1)
		rd.setLocalOnly()
		s.send(c, &rd)
	}
}

// lookup answers another node's request: with what is stored, if that is fresh and isn't what was
// found wanting, else by way of the origin.
func (s *Store) lookup(ctx context.Context, lookup *lookupRequest) (*Result, error) {
	rec, mustRevalidate := s.findFor(lookup)
	if rec != nil && lookup.Gone == rec.Version {
		s.drop(rec)
		rec = nil
	}
	if rec != nil && !lookup.takes(rec) {
		rec = nil
	}
	why := s.why(lookup, rec)
	switch known := rec != nil && !mustRevalidate; {
	case known && lookup.Stored:
		return &Result{Record: rec, Found: true}, nil
	case lookup.Stored:
		return nil, errNone
	case known && lookup.Background && s.rests(rec):
		return &Result{Record: rec, Found: true}, nil
	case known && (rec.Version != lookup.version || rec.Revision != lookup.revision || s.rests(rec)):
		if rec.Pass {
			return &Result{Record: rec, Found: true}, nil
		}
		if usable, refresh := s.cfg.Source.Usable(rec, lookup.Header); usable {
			if refresh {
				s.Refresh(&lookup.Request, rec)
			}
			return &Result{Record: rec, Found: true}, nil
		}
	}
	if rec != nil && (rec.Pass || (lookup.Alone && lookup.version == "")) {
		rec = nil // the requester has nothing to validate, and wants no one else's
	}
	res, err := s.Fetch(ctx, &lookup.Request, rec)
	if failed, ok := errors.AsType[*Failure](err); ok {
		told := *failed
		told.Why = why
		if rec != nil {
			told.Stored = s.offeredTo(rec, &lookup.Request).with(func(r *Record) { r.RetryAfter = Until(s.cfg.Now().Add(RetryAfter)) })
		}
		return nil, &told
	}
	if err == nil {
		res.Why = why
	}
	return res, err
}

// findFor finds what is stored for what q asks for. This node may know better than the one that
// asks what its key is.
func (s *Store) findFor(lookup *lookupRequest) (rec *Record, mustRevalidate bool) {
	lookup.Target = cmp.Or(lookup.Target, lookup.Key)
	keys := s.cfg.Source.Keys(lookup.Target)
	for _, lookup.Key = range keys {
		if rec, mustRevalidate = s.Find(lookup.Key, lookup.Header, lookup.Head); rec != nil && s.cfg.Source.Answers(rec, lookup.Target) {
			return rec, mustRevalidate
		}
	}
	lookup.Key = keys[0]
	return nil, false
}

// why is why the origin is to be asked although rec, which may be nil, is stored of what q asks
// for.
func (s *Store) why(lookup *lookupRequest, rec *Record) Why {
	if rec != nil && !rec.Pass {
		if usable, _ := s.cfg.Source.Usable(rec, nil); usable && rec.Revision != lookup.revision {
			return Unwanted
		}
		return Outdated
	}
	if any, _ := s.Holds(lookup.Key, lookup.Head); any {
		return OtherVariants
	}
	return Nothing
}

// stores reports whether rec, or what has taken its place with the same bytes, is in the table.
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

func (s *Store) serveRead(c *wire.Call, d *decoder) {
	rec, ask, err := s.decodeRead(c, d)
	if err != nil {
		s.refuse(c, err)
		return
	}
	s.calls.Store(ask.call, ask.by.Cause)
	defer s.calls.Delete(ask.call)
	var rd Reader
	s.Reader(&rd, ask.by, rec, ask.off, ask.end)
	rd.setLocalOnly()
	if ask.whole {
		rd.ahead = fill.Everything
	}
	if err := rd.Ready(c.Context()); err != nil {
		rd.Close()
		s.refuse(c, rd.by.after(s.encodeFailure(c, err)))
		return
	}
	if c.Reply(append(binary.AppendVarint([]byte{respOK}, rd.rec.Length), byte(rd.Foresee(c.Context()))), nil) != nil {
		rd.Close()
		return
	}
	s.send(c, &rd)
}

// send sends what rd reads.
func (s *Store) send(c *wire.Call, rd *Reader) {
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
			_ = c.Abort(s.encodeError(rd.by.after(s.encodeFailure(c, err))))
			return
		}
		if _, err := c.Write(b); err != nil {
			return // nobody reads it any more
		}
	}
}

// encodeFailure is what an error of reading for another node says: that this node stops, or has no
// room, else something about the origin, which nobody needs to find out again.
func (s *Store) encodeFailure(c *wire.Call, err error) error {
	switch {
	case s.base.Err() != nil || c.Context().Err() != nil || errors.Is(err, errBusy):
		return errBusy
	case verdict(err) || errors.Is(err, ErrRefused):
		return err
	}
	return s.cfg.Source.Failed(err)
}

// sendOnce sends a body that isn't stored. What is written must not be changed afterwards, so each
// fragment has memory of its own.
func (s *Store) sendOnce(c *wire.Call, res *Result) {
	for {
		b := make([]byte, 32<<10)
		n, err := res.Body.Read(b)
		if n > 0 {
			if _, err := c.Write(b[:n]); err != nil {
				return
			}
		}
		switch {
		case err == io.EOF:
			_ = c.End(appendHeader(nil, res.trailer()))
			return
		case err != nil:
			_ = c.Abort(s.encodeError(s.encodeFailure(c, err)))
			return
		}
	}
}
