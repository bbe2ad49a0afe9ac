package store

import (
	"net/http"
	"strings"
)

// Find returns the stored record that request, a HEAD or a GET, selects (RFC 9111 section 4.1), or
// nil. The record may be stale, or say Pass. If mustRevalidate is true, it must not be used before
// Fetch has asked its owner or the origin. The key may be a view of a buffer: Find keeps none of
// it.
func (s *Store) Find(key string, request http.Header, head bool) (rec *Record,
	mustRevalidate bool) {
	if s.cfg.Remote != nil {
		s.cfg.Remote.NoticeStandstill()
	}
	e := s.look(key)
	if e.entry != nil && s.lost(e.ringEpoch) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.findLocked(strings.Clone(key), request, head)
	}
	return s.pick(e, request, head)
}

// Holds reports whether variants for other requests (HEADs or GETs) are stored under key here, and
// whether parts are.
func (s *Store) Holds(key string, head bool) (variants, parts bool) {
	for _, rec := range s.look(key).variants {
		variants = variants || (!rec.Pass && len(rec.Vary) > 0 && (head || !rec.HeadOnly))
		parts = parts || rec.Part != Part{}
	}
	return variants, parts
}

// drop is dropLocked for callers that don't hold mu.
func (s *Store) drop(rec *Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(rec)
}
