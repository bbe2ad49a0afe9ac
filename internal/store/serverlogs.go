package store

import (
	"slices"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// Invalidate takes in entries that another node has issued, about the resources with those keys. It
// owns keys. The error is ErrBehind if this node has missed earlier entries.
func (v *Server) Invalidate(entries []invalidation.Entry, keys []string) error {
	s := v.s
	keys = slices.DeleteFunc(keys, v.odd)
	s.mu.Lock()
	c, behind := s.log.Learn(entries)
	s.sweepLocked(&c, keys)
	s.mu.Unlock()
	s.changed(&c)
	if behind {
		return ErrBehind
	}
	return nil
}

// upTo reports whether this node knows all entries of p, and has swept the table for them. It is to
// be called before a record is looked for.
func (v *Server) upTo(p *invalidation.Position) bool {
	v.s.mu.Lock() // a sweep that is under way ends first
	defer v.s.mu.Unlock()
	return !v.s.Behind(p)
}
