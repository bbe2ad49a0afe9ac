package store

import (
	"context"
	"errors"
	"io"

	"github.com/scurrycache/scurry/internal/fill"
)

// Warming has the nodes that own a content hold all of it. Each reads what it owns, and the bytes
// stay there: other nodes are asked with Warm set in their requests, which no content answers.

// Warm has all of rec's content held by the nodes that own it, because of by. It returns the
// content's length, or 0 if that isn't known here. res is what has brought rec, or nil; Warm takes
// over what it holds. If an owner can't be reached, this node reads as for a client. An error wraps
// fill.ErrGone if the bytes went away, or is the origin's Failure, or ErrBusy.
func (s *Store) Warm(ctx context.Context, by Client, rec *Record, res *Result) (int64, error) {
	off := int64(0)
	if res != nil {
		off = res.Warmed
	}
	for refused := 0; rec.Length > off || rec.Length < 0 && off == 0; {
		next, err := s.warmFrom(ctx, by, rec, res, off)
		switch {
		case err == nil && next <= off: // nobody here knows the length
			return off, nil
		case err == nil:
			off = next
		case errors.Is(err, ErrRefused) && refused < maxRefused: // who has the first slab has all
			s.refusals.heard(s.keyPrefixOf(rec))
			refused++
		default:
			return 0, err
		}
	}
	return max(off, rec.Length), nil
}

// warmFrom has the content from off on held by the node that owns it, and returns up to where.
func (s *Store) warmFrom(ctx context.Context, by Client, rec *Record, res *Result, off int64) (
	next int64, err error,
) {
	owner, end := s.slabOwner(rec, off), int64(-1)
	if owner == "" && rec.Length >= 0 {
		end = s.ownUpTo(rec, off)
	} else if rec.Length >= 0 {
		end = s.slabEnd(rec, off)
	}
	if owner != "" && rec.small == nil {
		if res != nil && res.follower != nil {
			res.follower.Release()
		}
		err = s.warmAt(ctx, owner, &ReadRequest{
			Key: rec.Key, Record: rec, By: by.Fields(), Off: off, End: end, Whole: true,
			Undivided: s.undivided(rec), Warm: true,
		})
		if err == nil {
			return end, nil
		}
		if ctx.Err() != nil || IsVerdict(err) || errors.Is(err, ErrBusy) ||
			errors.Is(err, ErrRefused) {
			return 0, err
		}
	}
	var rd Reader
	if res != nil && off == 0 {
		s.ReaderFrom(&rd, by, res, 0, end)
	} else {
		s.Reader(&rd, by, rec, off, end)
	}
	return rd.exhaust(ctx)
}

// warmAt asks owner to warm what q says. If one of the two nodes has missed invalidations, they
// exchange their logs before another try.
func (s *Store) warmAt(ctx context.Context, owner string, q *ReadRequest) (err error) {
	for range owners {
		q.Position = s.Position()
		_, err = s.cfg.Remote.Read(ctx, owner, q)
		if s.removed(err, q.Record, q.Position) {
			return q.Record.invalidated()
		}
		if !errors.Is(err, ErrBehind) {
			break
		}
	}
	return err
}

// exhaust reads to the end for nobody, closes r, and returns where the end is.
func (r *Reader) exhaust(ctx context.Context) (end int64, err error) {
	defer r.Close()
	r.ahead = fill.Everything
	if err := r.Ready(ctx); err != nil {
		return 0, err
	}
	for err == nil {
		_, err = r.Next(ctx, nil)
	}
	if err != io.EOF {
		return 0, err
	}
	return r.pos, nil
}

// warmed is Lookup's answer where the content is to be held, and not sent: res without a content,
// which this node has read by now as far as it owns that.
func (v *Server) warmed(ctx context.Context, q *LookupRequest, res *Result) (*LookupResult, error) {
	defer res.Close()
	s, found := v.s, v.found(q, res)
	if res.follower == nil { // it isn't stored, or held before: then the requester asks for more
		return found, nil
	}
	sent := s.sendingResult(ctx, q, res)
	end, err := sent.rd.exhaust(ctx)
	if err != nil {
		return nil, s.failureFor(ctx, err)
	}
	if now := s.successor(res.Record); now != nil { // which knows its length
		res.Record = now
	}
	found = v.found(q, res)
	found.Warmed = end
	return found, nil
}
