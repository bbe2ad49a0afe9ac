package store

import "github.com/scurrycache/scurry/internal/invalidation"

// sightOf is of a record that was found just now. A sweep may not have come to the table yet of
// which the log knows already.
func (s *Store) sightOf(rec *Record) sight {
	if s.cfg.Remote == nil {
		return sight{}
	}
	m, verdict := s.log.Stored(s.resource(rec.Key, rec.Groups), rec.basis)
	if verdict != invalidation.Removed {
		return sight{m.Position}
	}
	s.mu.Lock() // a sweep that is under way ends first
	defer s.mu.Unlock()
	if s.successor(rec) == nil {
		return sight{}
	}
	return sight{s.Position()}
}

// now is what is known now, unless something has come that is about rec.
func (v *sight) now(s *Store, rec *Record) *invalidation.Position {
	if now := s.Position(); now != v.seen && !s.outlived(rec, v.seen) {
		v.seen = now
	}
	return v.seen
}
