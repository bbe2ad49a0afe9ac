package store

import (
	"net/http"
	"slices"
	"strings"
)

// entry is all that is stored under one cache key: a record for each variant, the newest first.
type entry struct {
	variants     []*Record // never empty in the table
	newer, older *entry    // in its pool
	turn         uint64    // of the ring, up to which what this node owns is known to be its own
	doubt        uint64    // what it owns and asked for before this one of the store's doubts is to be validated at its next use
	bytes        uint32    // what it takes in memory
	pool         class
	query        bool // its path had many query strings when it came
	used         bool // since the pool's hand came by
}

func (e *entry) key() string { return e.variants[0].Key }

// maxVariants bounds the records of one key, so that searching them stays cheap; the oldest make room.
const maxVariants = 32

// maxParts bounds the parts of one key that can't be joined, besides.
const maxParts = 32

// Find returns the stored record that request selects (RFC 9111 section 4.1), or nil. It may be stale, or one that
// says Pass. If it has lapsed, it must not be used before Fetch has asked whoever decides on it.
func (s *Store) Find(key string, request http.Header) (rec *Record, lapsed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(key, request)
}

// Holds tells whether variants for other requests are stored under key here, and whether parts are.
func (s *Store) Holds(key string) (variants, parts bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.entries[key]; ok {
		for _, rec := range e.variants {
			variants = variants || (!rec.Pass && len(rec.Vary) > 0)
			parts = parts || rec.Part != Part{}
		}
	}
	return variants, parts
}

func (s *Store) findLocked(key string, request http.Header) (rec *Record, lapsed bool) {
	e, ok := s.entries[key]
	if !ok || !s.tendLocked(e) {
		return nil, false
	}
	for _, r := range e.variants {
		if !s.selects(r, request) {
			continue
		}
		if rec == nil || (r.Part != Part{}) {
			rec = r
		}
		if !s.Streams(rec) { // of what isn't kept whole a part may be
			break
		}
	}
	if rec == nil {
		return nil, false
	}
	lapsed = s.lapsedLocked(e, rec)
	if rec.Pass && (lapsed || !s.cfg.Now().Before(rec.PassUntil.Time())) {
		return nil, false
	}
	e.used = true
	return rec, lapsed
}

// tendLocked drops what e holds by right of a key that another node owns by now. It reports whether anything
// is left.
func (s *Store) tendLocked(e *entry) bool {
	turn := s.cfg.Node.Turns()
	if s.cfg.Node == nil || e.turn == turn {
		return true
	}
	since := e.turn
	e.turn = turn
	if !slices.ContainsFunc(e.variants, owns) {
		return true
	}
	if s.ownerOf(e.key()) == nil {
		if !s.cfg.Node.OwnedSince(s.home(e.key())+".0", since) {
			s.doubts++ // another node may have known better meanwhile
			e.doubt = s.doubts
		}
		return true
	}
	for _, rec := range e.variants {
		if owns(rec) {
			s.forgetBodyLocked(rec.Version, "")
		}
	}
	kept := slices.DeleteFunc(slices.Clone(e.variants), owns)
	s.setLocked(e, kept)
	return len(kept) > 0
}

// owns tells whether rec was made by the node that owned it.
func owns(rec *Record) bool { return rec.Lease.IsZero() }

// lapsedLocked tells whether rec may be used no more without a word from its owner; or, if that is this node, from
// the origin, since others may have stood in for this node while it was out of contact.
func (s *Store) lapsedLocked(e *entry, rec *Record) bool {
	switch {
	case s.cfg.Now().Before(rec.RetryAfter.Time()): // it has been tried just now
		return false
	case owns(rec):
		return rec.asked < max(s.doubt, e.doubt)
	}
	return !s.cfg.Now().Before(rec.Lease.Time())
}

// Doubt has each record that is stored now validated at its next use. It is to be called when this node has been out of
// contact with its peers.
func (s *Store) Doubt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubts++
	s.doubt = s.doubts
}

func (s *Store) selects(rec *Record, request http.Header) bool {
	return (rec.Part == Part{} || s.cfg.Within(rec.Part, request)) &&
		(len(rec.Vary) == 0 || s.cfg.Selecting(rec.Vary, request) == rec.Variant)
}

// variantLocked names the variant that request selects by the Vary of the newest response stored under key; "" if there
// is none, so that it isn't known what selects.
func (s *Store) variantLocked(key string, request http.Header) string {
	e, ok := s.entries[key]
	if !ok {
		return ""
	}
	return s.variant(e.variants[0], request)
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
	e, ok := s.entries[rec.Key]
	if ok {
		rec.Key = e.key() // so that it takes no memory of its own
	} else {
		rec.Key = strings.Clone(rec.Key) // of a longer line perhaps
		e = &entry{turn: rec.turn, query: s.queries.add(rec.Key)}
		s.entries[rec.Key] = e
	}
	e.turn = min(e.turn, rec.turn)
	s.name(rec)
	rec.settle()
	kept := make([]*Record, 0, len(e.variants)+1)
	variants, parts := maxVariants, maxParts // that there is room for
	room := func(r *Record) *int {
		if (r.Part != Part{}) {
			return &parts
		}
		return &variants
	}
	*room(rec)--
	for _, old := range e.variants {
		if rec.replaces(old) || *room(old) == 0 {
			s.forgetBodyLocked(old.Version, rec.Version)
			rec.inherit(old)
			continue
		}
		*room(old)--
		kept = append(kept, old)
	}
	if rec.Pass { // it is for those for whom there is nothing better
		s.setLocked(e, append(kept, rec))
	} else {
		s.setLocked(e, slices.Insert(kept, 0, rec))
	}
	s.evictLocked(e)
}

// name gives rec the key of its first chunk. The version, which is a part of it, takes no memory of its own then.
func (s *Store) name(rec *Record) {
	rec.first = ""
	rec.first = s.chunkKey(rec, firstChunk)
	end := len(rec.first) - len(".0")
	rec.Version = rec.first[end-len(rec.Version) : end]
}

// setLocked makes variants those of e, which is in the table and goes if there are none.
func (s *Store) setLocked(e *entry, variants []*Record) {
	if len(e.variants) > 0 {
		s.ungroupLocked(e)
		s.pools[e.pool].remove(e)
		s.recordBytes -= int64(e.bytes)
	}
	if len(variants) == 0 {
		s.queries.remove(e.key())
		delete(s.entries, e.key())
		return
	}
	e.variants, e.bytes = variants, 0
	for _, rec := range variants {
		e.bytes += uint32(s.size(rec))
	}
	e.pool = e.class()
	s.pools[e.pool].add(e)
	s.recordBytes += int64(e.bytes)
	s.groupLocked(e)
}

// removeLocked drops all records under key.
func (s *Store) removeLocked(key string) {
	e, ok := s.entries[key]
	if !ok {
		return
	}
	for _, rec := range e.variants {
		s.forgetBodyLocked(rec.Version, "")
	}
	s.setLocked(e, nil)
}

// dropLocked drops the record of rec's version, if there is one.
func (s *Store) dropLocked(rec *Record) {
	if e, ok := s.entries[rec.Key]; ok {
		s.setLocked(e, slices.DeleteFunc(slices.Clone(e.variants), func(r *Record) bool { return r.Version == rec.Version }))
	}
	s.forgetBodyLocked(rec.Version, "")
}

// currentLocked returns the record in the table that has rec's version, or nil.
func (s *Store) currentLocked(rec *Record) *Record {
	if e, ok := s.entries[rec.Key]; ok {
		for _, r := range e.variants {
			if r.Version == rec.Version {
				return r
			}
		}
	}
	return nil
}

// replaceLocked puts rec in the place of old, which must be in the table.
func (s *Store) replaceLocked(old, rec *Record) {
	e := s.entries[old.Key]
	if rec.Version == old.Version {
		rec.Version, rec.first = old.Version, old.first
	} else {
		s.name(rec)
	}
	rec.Key = old.Key
	rec.inherit(old)
	rec.settle()
	variants := slices.Clone(e.variants)
	variants[slices.Index(variants, old)] = rec
	s.setLocked(e, variants)
	s.evictLocked(e)
}

// supersedeLocked is replaceLocked for a record that may belong under another key by now.
func (s *Store) supersedeLocked(old, rec *Record) {
	if rec.Key == old.Key {
		s.replaceLocked(old, rec)
		return
	}
	rec.turn = min(rec.turn, s.entries[old.Key].turn)
	rec.inherit(old)
	s.dropLocked(old)
	s.installLocked(rec)
}

// Postpone notes that a validation of rec failed, and is not to be tried again for a while.
func (s *Store) Postpone(rec *Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.currentLocked(rec); now != nil {
		s.replaceLocked(now, now.with(func(r *Record) { r.RetryAfter = Until(s.cfg.Now().Add(RetryAfter)) }))
	}
}
