package store

import (
	"context"
	"errors"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/workers"
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
		if errors.Is(err, errAgain) || landedBefore(prev, res, err) ||
			!req.ForPeer && errors.Is(err, ErrBusy) || // it was a peer's flight, which had no room
			!req.Background && errors.Is(err, ErrYielded) { // it was one in the background
			variant = s.variant(req)
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
	failure, failed := errors.AsType[*Failure](err)
	switch {
	case prev == nil:
		return false
	case err != nil:
		return failed && failure == prev.failure
	}
	return res.Collapsed && !res.Found && !res.Record.newer(prev)
}

// fly asks the records group, on another goroutine than the caller's if ctx may end, so that only
// the store's context ends the flight.
func (s *Store) fly(ctx context.Context, req *Request, prev *Record, variant string) (*Result,
	error) {
	if !s.begin() {
		return nil, context.Canceled
	}
	f := s.newFlight(req, prev, variant)
	if req.ForPeer && !s.records.BeginServing(f.key) {
		s.work.Done()
		return nil, ErrBusy
	}
	first := s.audiences.join(f)
	defer s.audiences.leave(f)
	land := func(t *workers.Task) {
		defer s.work.Done()
		f.task = t
		_, err := s.records.Get(s.base, f.key, f)
		if f.req.ForPeer {
			s.records.EndServing(f.key)
		}
		s.audiences.land(f)
		f.done <- err
		if r := f.begun; r != nil {
			if !req.Whole { // it waits for who wants more
				t.Detach()
			}
			r.Read(r.ctx, r.cancel, t)
		}
	}
	var reads *workers.Task
	switch {
	case req.Stored && ctx.Done() == nil:
		land(nil) // it is over soon, and nothing is to be noticed meanwhile
	case first && !req.ForPeer && s.ownerBy(f.route) == "":
		// it waits for the origin, and for nothing else
		reads = s.workers.Run(ctx, land)
	default:
		s.workers.Go(func() { land(nil) })
	}
	defer func() {
		if reads != nil {
			reads.Release()
		}
	}()
	res, err := s.await(ctx, f)
	if reads != nil && err == nil && res.run == f.begun && res.follower != nil {
		res.follower.Drive(reads)
		reads = nil
	}
	return res, err
}

// await waits until f is over, ctx ends, or f is refused.
func (s *Store) await(ctx context.Context, f *flight) (*Result, error) {
	for {
		select {
		case <-f.interim.due:
			f.interim.tell()
		case err := <-f.done:
			f.interim.tell()
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
	if answer := f.answer.Swap(taken); answer != nil {
		return answer, nil
	}
	res, began := s.audiences.shared(f)
	if !s.log.Joins(s.resourceOf(res.Record), f.arrived.Token, began) {
		return nil, errAgain // f's request arrived after an invalidation of that
	}
	if now := s.successor(res.Record); now != nil {
		res.Record = now
	}
	return &res, nil
}
