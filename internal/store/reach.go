package store

import (
	"context"
	"errors"
	"time"
)

// A body that is open is read on across the borders of slabs until the next slab's owner has had
// its own request accepted by the origin. So an origin that gives no parts, for whatever reason, is
// asked once, and its whole body has one fill.

// reach returns where a fill of rec that starts at off ends, so that it doesn't fetch what is here
// already: at the end of the slab, at the next fill, or at the next chunk that the chunks group
// still has. One that reads the answer to a plain GET doesn't end at a fill whose body isn't open,
// and may be refused.
func (s *Store) reach(rec *Record, off int64, plain bool) int64 {
	if !rec.refetchable() {
		return rec.Length
	}
	end := rec.Length
	if !rec.OneSlab {
		end = min(end, s.cfg.Geometry.SlabEnd(off))
	}
	if s.undivided(rec) {
		// a body that is at its origin is of more use than what is here of what comes after it
		return end
	}
	s.bodies.mu.Lock()
	for _, run := range s.runsLocked(rec) {
		if at := run.start; at >= off && !run.relays() && (!plain || run.Span().Open) {
			end = min(end, at)
		}
	}
	s.bodies.mu.Unlock()
	for at := off; at < end; {
		c := s.cfg.Geometry.At(at, rec.OneSlab)
		if _, ok := s.cached(rec, c, false); ok {
			return c.Start
		}
		at = c.End
	}
	return end
}

// takeOverTime is how long the owner of the next slab has to say whether it takes over. Meanwhile
// the fill reads up to the border.
const takeOverTime = 2 * time.Second

// Extend returns where r ends, which comes to the border at end: further on, unless the next slab's
// owner takes over.
func (r *run) Extend(ctx context.Context, end int64) int64 {
	s, rec := r.s, r.rec
	if end >= rec.Length {
		return end
	}
	if owner := s.slabOwner(rec, end); owner != "" && !s.undivided(rec) {
		ctx, cancel := context.WithTimeout(ctx, takeOverTime)
		defer cancel()
		by, _ := r.sake(end)
		_, err := s.cfg.Remote.Read(ctx, owner, &ReadRequest{
			Key: rec.Key, Record: rec, By: by, Off: end, End: s.slabEnd(rec, end), Whole: true,
			TakesOver: true, Position: s.Position(),
		})
		switch {
		case err == nil:
			return end
		case errors.Is(err, context.DeadlineExceeded):
			by.Note() // it may be about to be
		case errors.Is(err, ErrRefused):
			s.refusals.heard(s.keyPrefixOf(rec))
		}
	}
	return s.reach(rec, end, r.plain)
}
