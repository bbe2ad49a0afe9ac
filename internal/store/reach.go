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
func (s *Store) reach(ctx context.Context, rec *Record, off int64, plain bool) int64 {
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
	s.probe(ctx, rec, off, end)
	for {
		s.bodies.mu.Lock()
		b := s.bodyLocked(rec.Version)
		for _, run := range b.runs {
			if at := run.Starts(); at >= off && !run.relays() && (!plain || run.IsOpen()) {
				end = min(end, at)
			}
		}
		at := b.pushed.Next(off, end)
		s.bodies.mu.Unlock()
		if at < 0 {
			return end
		}
		c := s.cfg.Geometry.At(at, rec.OneSlab)
		if _, ok := s.cached(rec, c); ok {
			return c.Start
		}
		s.bodies.mu.Lock() // evicted
		b.pushed = b.pushed.Remove(c.Start, c.End)
		s.bodies.mu.Unlock()
	}
}

// probe notes which chunks of [off, end) the chunks group has from a time whose record has been
// evicted. It does so once for each slab, while anything is known of the version.
func (s *Store) probe(ctx context.Context, rec *Record, off, end int64) {
	s.bodies.mu.Lock()
	b := s.bodyLocked(rec.Version)
	done := b.probed.Next(off, off+1) >= 0
	b.probed = b.probed.Add(off, max(end, off+1))
	s.bodies.mu.Unlock()
	if done {
		return
	}
	// no more can be held
	for n := s.cfg.Memory / s.cfg.Geometry.First; off < end && n > 0 && ctx.Err() == nil; n-- {
		c := s.cfg.Geometry.At(off, rec.OneSlab)
		if _, ok := s.cached(rec, c); ok {
			s.bodies.mu.Lock()
			b.pushed = b.pushed.Add(c.Start, min(c.End, rec.Length))
			s.bodies.mu.Unlock()
		}
		off = c.End
	}
}

// takeOverTime is how long the owner of the next slab has to say whether it takes over. Meanwhile
// the fill reads up to the border.
const takeOverTime = 2 * time.Second

// extend returns where a fill of rec ends that comes to the border at end: further on, unless the
// next slab's owner takes over.
func (s *Store) extend(ctx context.Context, run *run, rec *Record, end int64) int64 {
	if end >= rec.Length {
		return end
	}
	if owner := s.slabOwner(rec, end); owner != "" && !s.undivided(rec) {
		ctx, cancel := context.WithTimeout(ctx, takeOverTime)
		defer cancel()
		by, _ := run.sake(end)
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
	return s.reach(ctx, rec, end, run.plain)
}
