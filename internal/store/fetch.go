package store

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/invalidation"
)

// Fetch brings a newer record than prev by way of its owner: from the origin or, with Found set,
// from what the owner has stored, which may not suffice for req. prev is nil, or the stored
// response that the caller found wanting. Concurrent requests for the same variant share one origin
// request. A HEAD has its own, unless a GET can learn without content whether prev is still good.
// The origin request goes on if ctx ends, since others may wait for it. The record may say Pass;
// then Body is set for the caller whose request caused the origin request.
func (s *Store) Fetch(ctx context.Context, req *Request, prev *Record) (*Result, error) {
	if req.Head && prev != nil && !prev.HeadOnly && httpcache.Validatable(prev.Fields()) {
		get := *req
		get.Head, req = false, &get
	}
	variant := s.variant(req)
	for {
		res, err := s.fly(ctx, req, prev, variant)
		if errors.Is(err, errVariantKnown) || errors.Is(err, errOvertaken) {
			variant = s.variant(req)
			continue
		}
		// it was a peer's flight, which had no room
		if landedBefore(prev, res, err) || !req.ForPeer && errors.Is(err, ErrBusy) {
			continue
		}
		if req.ForPeer && errors.Is(err, errNoRoom) {
			return nil, ErrBusy // it is no verdict on the origin
		}
		var rec *Record
		failed, ok := errors.AsType[*Failure](err)
		switch {
		case ok && failed.Stored != nil:
			rec = failed.Stored
		case err != nil || !res.Collapsed:
			return res, err
		default:
			rec = res.Record
		}
		own, ok := s.answersFlight(rec, variant, req)
		switch {
		case ok:
			return res, err
		case own != variant: // the result is another variant's: ask for our own
			variant, prev = own, nil
		case err != nil:
			unknown := *failed
			unknown.Stored = nil // it isn't for this request
			return nil, &unknown
		default: // an origin whose Vary is another each time
			alone := *req
			alone.Alone = true
			return s.fly(ctx, &alone, nil, own)
		}
	}
}

// landedBefore reports whether a flight has brought only what the caller knew before, as prev. The
// result of a flight can be seen before the flight is over. A request that found it wanting may
// then have joined the same flight.
func landedBefore(prev *Record, res *Result, err error) bool {
	if prev == nil {
		return false
	}
	if err != nil {
		failure, ok := errors.AsType[*Failure](err)
		return ok && failure == prev.failure
	}
	return res.Collapsed && !res.Found && !res.Record.newer(prev)
}

// fly asks the records group, on another goroutine than the caller's, so that only the store's
// context ends the flight.
func (s *Store) fly(ctx context.Context, req *Request, prev *Record, variant string) (*Result,
	error) {
	f := newFlight(req, prev, variant)
	if !s.begin() {
		return nil, context.Canceled
	}
	f.varied = s.variedAt(req.Key).Load()
	// requests with equal marks may share a result
	now, mark := s.log.Begin(s.resource(req.Key, nil))
	f.arrived, f.key = now, s.flightKey(f, mark)
	if f.req.ForPeer && !s.records.BeginServing(f.key) {
		s.work.Done()
		return nil, ErrBusy
	}
	s.audiences.join(f)
	defer s.audiences.leave(f)
	go func() {
		defer s.work.Done()
		_, err := s.records.Get(s.base, f.key, &loader{s, f})
		if f.req.ForPeer {
			s.records.EndServing(f.key)
		}
		s.audiences.land(f)
		f.done <- err
	}()
	return s.await(ctx, f)
}

// loader loads a flight that the records group has found to be the first with its key. It hands the
// result to the flight's audience, and the group gets no bytes.
type loader struct {
	s *Store
	f *flight
}

// Fetch is groups.Loader's.
func (l *loader) Fetch(context.Context) ([]byte, error) { return nil, l.s.fetchRecord(l.f) }

// Load is groups.Loader's.
func (l *loader) Load(context.Context) ([]byte, error) { return nil, l.s.load(l.f) }

// await waits until f is over, ctx ends, or f is refused.
func (s *Store) await(ctx context.Context, f *flight) (*Result, error) {
	for {
		select {
		case tell := <-f.interim:
			tell()
		case err := <-f.done:
			for len(f.interim) > 0 {
				(<-f.interim)()
			}
			if err != nil {
				return nil, err
			}
			return s.landed(f)
		case <-f.refused:
			return nil, ErrBusy
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// landed returns what f has brought, or another flight with its key.
func (s *Store) landed(f *flight) (*Result, error) {
	answer, res, began := s.audiences.take(f)
	if answer != nil {
		return answer, nil
	}
	if !s.log.Joins(s.resourceOf(res.Record), f.arrived.Token, began) {
		return nil, errOvertaken
	}
	if now := s.successor(res.Record); now != nil {
		res.Record = now
	}
	return res, nil
}

// flightKey returns the key of f's request in the records group. Requests with the same key share a
// result.
func (s *Store) flightKey(f *flight, mark invalidation.Mark) string {
	req := f.req
	key := s.records.Prefix() + s.routingKey(req.Key) + ".0." +
		strconv.FormatUint(uint64(mark), 36) + "." + digest(req.Key, f.variant)
	if s.ownerOf(req.Key) != "" && f.prev.isCurrent(s.cfg.Now()) {
		// An owner answers at once with what it has stored, but not a node that has the same
		// already. A request of a node that hasn't mustn't wait for the other kind.
		key += ".validate"
	}
	if req.Head {
		key += ".head"
	}
	if req.Ranged {
		key += "." + digest(req.Header["Range"]...)
	}
	if req.Alone || req.Stored { // that nothing is stored for one says nothing of the others
		key += "." + rand.Text()
	}
	return key
}
