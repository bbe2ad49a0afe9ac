package store

import (
	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/chunks"
)

// Before the head of a hit is sent it must be known whether this node holds all of the content
// (Foresee). Looking up each chunk for that, and once more when it is sent, would double the cost.
// Keeping what was found would hold a whole file for a client that may be slow. So the store
// remembers what was found, as long as that can't have been evicted.

// knownHeld reports whether the chunks group is known to have all of rec's bytes in sp.
func (s *Store) knownHeld(rec *Record, sp chunk.Span) bool {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	b, ok := s.byVersion[rec.Version]
	return ok && b.found.spans.Covers(sp) && s.chunks.Keeps(b.found.since)
}

// noteHeld notes that the chunks group has had all of rec's bytes in sp since that mark.
func (s *Store) noteHeld(rec *Record, sp chunk.Span, since chunks.Mark) {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	if rec.Length <= s.cfg.Geometry.Max || s.current(rec) == nil {
		return // it is found out again at once, or nothing would remove this
	}
	b := s.bodyLocked(rec.Version)
	if !s.chunks.Keeps(b.found.since) {
		b.found = found{since: since}
	}
	b.found.spans = b.found.spans.Add(sp.Start, sp.End)
}
