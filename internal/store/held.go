package store

import (
	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/chunks"
)

// Before a hit's head is sent it must be known whether this node holds all of the content
// (Foresee). To look each chunk up for that, and once more when it is sent, would cost as much
// again as sending it; and to keep what was found would hold a whole file for a client who may be
// slow. So it is remembered what has been found, for as long as that can't have been evicted.

// knownHeld reports whether the chunks group is known to have all of rec's bytes in sp.
func (s *Store) knownHeld(rec *Record, sp chunk.Span) bool {
	s.bodies.mu.Lock()
	b, ok := s.byVersion[rec.Version]
	if !ok || !b.found.spans.Covers(sp) {
		s.bodies.mu.Unlock()
		return false
	}
	since := b.found.since
	s.bodies.mu.Unlock()
	return s.chunks.Keeps(since)
}

// noteHeld notes that the chunks group has been seen to have all of rec's bytes in sp since that
// mark.
func (s *Store) noteHeld(rec *Record, sp chunk.Span, since chunks.Mark) {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	b, ok := s.byVersion[rec.Version]
	if !ok {
		return // nothing else is known of it, and nobody would forget this
	}
	if !s.chunks.Keeps(b.found.since) {
		b.found = found{since: since}
	}
	b.found.spans = b.found.spans.Add(sp.Start, sp.End)
}
