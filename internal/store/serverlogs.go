package store

import (
	"slices"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// Invalidate takes entries that another node has issued. The resources that they are about are
// keys. The error is ErrBehind if this node has missed earlier ones.
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

// upTo reports whether this node knows, and has swept for, all that p has. It is to be asked before
// a record is looked for.
func (v *Server) upTo(p *invalidation.Position) bool {
	v.s.mu.Lock() // a sweep that is under way ends first
	defer v.s.mu.Unlock()
	return !v.s.Behind(p)
}
