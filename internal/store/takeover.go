package store

import (
	"context"
	"errors"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

// A body that is open is read on across the borders of slabs until the next slab's owner has had
// its own request accepted by the origin. So an origin that gives no parts, for whatever reason, is
// asked once, and its whole body has one fill.

// takeOverTime is how long the owner of the next slab has to say whether it takes over. Meanwhile
// the fill reads up to the border.
const takeOverTime = 2 * time.Second

// undivided reports whether the content, although it is large enough, isn't spread over the owners
// of its slabs, since its origin refuses to give parts: then the owner of the first slab answers
// for all of them.
func (s *Store) undivided(rec *Record) bool {
	return rec.refetchable() && !rec.OneSlab && s.refusals.hold(s.keyPrefixOf(rec))
}

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
		err := s.cfg.Remote.TakeOver(ctx, owner, &ReadRequest{Key: rec.Key, Record: rec, By: by, Off: end, End: rec.Length, Whole: true})
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

// handsOver reports whether a body of rec that ends at pos may have been taken over there by the
// owner of the slab that begins.
func (s *Store) handsOver(rec *Record, pos int64) bool {
	return rec.refetchable() && !rec.OneSlab && pos > 0 && pos%s.cfg.Geometry.Slab == 0
}

// ends is what a fill's error means that is no fault of the content's: that nobody wanted more,
// that another fill has read it, or that another node is to be asked.
func ends(err error) bool {
	return errors.Is(err, fill.ErrAbandoned) || errors.Is(err, fill.ErrBehind) || errors.Is(err, ErrRefused)
}
