package store

import (
	"container/list"
	"net/http"
	"slices"
	"time"
)

// entry is all that is stored under one cache key: a record for each variant, the newest first.
type entry struct {
	key      string
	variants []*Record
	bytes    int64
}

// maxVariants bounds the records of one key, so that searching them stays cheap; the oldest make room.
const maxVariants = 32

// Find returns the stored record that request selects (RFC 9111 section 4.1), or nil. It may be stale, or one that
// says Pass.
func (s *Store) Find(key string, request http.Header) *Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(key, request)
}

func (s *Store) findLocked(key string, request http.Header) *Record {
	el, ok := s.entries[key]
	if !ok {
		return nil
	}
	for _, rec := range el.Value.(*entry).variants {
		if !s.selects(rec, request) {
			continue
		}
		if rec.Pass && !s.cfg.Now().Before(rec.PassUntil) {
			return nil
		}
		s.recent.MoveToFront(el)
		return rec
	}
	return nil
}

func (s *Store) selects(rec *Record, request http.Header) bool {
	return len(rec.Vary) == 0 || s.cfg.Selecting(rec.Vary, request) == rec.Variant
}

// variantLocked names the variant that request selects by the Vary of the newest response stored under key; "" if there
// is none, so that it isn't known what selects.
func (s *Store) variantLocked(key string, request http.Header) string {
	el, ok := s.entries[key]
	if !ok {
		return ""
	}
	newest := el.Value.(*entry).variants[0]
	return s.variant(newest, request)
}

// variant names the variant that request selects if rec's Vary is what selects.
func (s *Store) variant(rec *Record, request http.Header) string {
	if len(rec.Vary) == 0 {
		return ""
	}
	return "by " + s.cfg.Selecting(rec.Vary, request)
}

// installLocked puts rec into the table, in the place of the one for the same variant.
func (s *Store) installLocked(rec *Record) {
	rec.first = ""
	rec.first = s.chunkKey(rec, firstChunk)
	rec.bytes = rec.size()
	el, ok := s.entries[rec.Key]
	if !ok {
		el = s.recent.PushFront(&entry{key: rec.Key})
		s.entries[rec.Key] = el
	}
	e := el.Value.(*entry)
	kept := make([]*Record, 0, len(e.variants)+1)
	for _, old := range e.variants {
		if rec.replaces(old) || len(kept)+1 == maxVariants {
			s.forgetBodyLocked(old.Version, rec.Version)
			continue
		}
		kept = append(kept, old)
	}
	if rec.Pass { // it is for those for whom there is nothing better
		s.setLocked(el, append(kept, rec))
	} else {
		s.setLocked(el, slices.Insert(kept, 0, rec))
	}
	s.recent.MoveToFront(el)
	s.evictLocked()
}

// setLocked makes variants those of el's entry, which goes if there are none.
func (s *Store) setLocked(el *list.Element, variants []*Record) {
	e := el.Value.(*entry)
	s.recordBytes -= e.bytes
	e.variants, e.bytes = variants, 0
	for _, rec := range variants {
		e.bytes += rec.bytes
	}
	s.recordBytes += e.bytes
	if len(variants) == 0 {
		s.recent.Remove(el)
		delete(s.entries, e.key)
	}
}

// evictLocked makes the records fit their share of the memory.
func (s *Store) evictLocked() {
	for s.recordBytes > s.cfg.Memory/recordsShare && s.recent.Len() > 1 {
		s.removeLocked(s.recent.Back().Value.(*entry).key)
	}
}

// removeLocked drops all records under key.
func (s *Store) removeLocked(key string) {
	el, ok := s.entries[key]
	if !ok {
		return
	}
	for _, rec := range el.Value.(*entry).variants {
		s.forgetBodyLocked(rec.Version, "")
	}
	s.setLocked(el, nil)
}

// dropLocked drops the record of rec's version, if there is one.
func (s *Store) dropLocked(rec *Record) {
	if el, ok := s.entries[rec.Key]; ok {
		kept := slices.DeleteFunc(slices.Clone(el.Value.(*entry).variants), func(r *Record) bool { return r.Version == rec.Version })
		s.setLocked(el, kept)
	}
	s.forgetBodyLocked(rec.Version, "")
}

// currentLocked returns the record in the table that has rec's version, or nil.
func (s *Store) currentLocked(rec *Record) *Record {
	if el, ok := s.entries[rec.Key]; ok {
		for _, r := range el.Value.(*entry).variants {
			if r.Version == rec.Version {
				return r
			}
		}
	}
	return nil
}

// replaceLocked puts rec in the place of old, which must be in the table.
func (s *Store) replaceLocked(old, rec *Record) {
	el := s.entries[old.Key]
	rec.first = old.first
	rec.bytes = rec.size()
	variants := slices.Clone(el.Value.(*entry).variants)
	variants[slices.Index(variants, old)] = rec
	s.setLocked(el, variants)
}

// Postpone notes that a validation of rec failed and is not to be tried again before t.
func (s *Store) Postpone(rec *Record, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.currentLocked(rec); now != nil {
		s.replaceLocked(now, now.with(func(r *Record) { r.RetryAfter = t }))
	}
}

// learnLocked gives rec a length that it may not have had.
func (s *Store) learnLocked(rec *Record, length int64) {
	if rec.Length != length {
		rec.Length = length
		rec.Prepared = s.cfg.Source.Prepare(rec)
	}
}

// Invalidate does away with all that is stored under key (RFC 9111 section 4.4), and with what is on its way there.
func (s *Store) Invalidate(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(key)
	if all := s.generations.raise(key); all {
		for key := range s.entries {
			s.removeLocked(key)
		}
	}
}
