package store

import "github.com/scurrycache/scurry/internal/invalidation"

// sight is what this node knew of invalidations when it chose a record to read, or later, as long as
// nothing that has come is about it. It goes with what is asked of other nodes for the bytes, since
// one that knows better isn't to give them. It is used by one goroutine at a time.
type sight struct{ seen *invalidation.Position }

// now is what was known when all that was known wasn't about rec.
func (v *sight) now(s *Store, rec *Record) *invalidation.Position {
	if now := s.Position(); now != v.seen && !s.outlived(rec, v.seen) {
		v.seen = now
	}
	return v.seen
}
