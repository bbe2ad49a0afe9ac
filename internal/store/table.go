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
	doubt        uint64    // what it owns and fetched before this tick of the store's clock is to be validated at its next use
	bytes        uint32    // what it takes in memory
	pool         class
	query        bool // its path had many query strings when it came
	used         bool // since the pool's hand came by
	lastUse      age
}

func (e *entry) key() string { return e.variants[0].Key }

// maxVariants bounds the records of one key, so that searching them stays cheap; the oldest make
// room.
const maxVariants = 32

// maxHeads bounds the answers to HEADs of one key, besides.
const maxHeads = 8

// maxParts bounds the parts of one key that can't be joined, besides.
const maxParts = 32

// Find returns the stored record that request, a HEAD or a GET, selects (RFC 9111 section 4.1), or
// nil. It may be stale, or one that says Pass. If mustRevalidate, it must not be used before Fetch
// has asked its owner, or the origin.
func (s *Store) Find(key string, request http.Header, head bool) (rec *Record, mustRevalidate bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(key, request, head)
}

// Holds reports whether variants for other requests, HEADs or GETs, are stored under key here, and
// whether parts are.
func (s *Store) Holds(key string, head bool) (variants, parts bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.entries[key]; ok {
		for _, rec := range e.variants {
			variants = variants || (!rec.Pass && len(rec.Vary) > 0 && (head || !rec.HeadOnly))
			parts = parts || rec.Part != Part{}
		}
	}
	return variants, parts
}

func (s *Store) findLocked(key string, request http.Header, head bool) (rec *Record, mustRevalidate bool) {
	e, ok := s.entries[key]
	if !ok || !s.dropLostLocked(e) {
		return nil, false
	}
	names := e.varyFor(head)
	for _, r := range e.variants {
		if r.HeadOnly && !head || !s.selects(r, request) || !s.agrees(r, names, request) {
			continue
		}
		rec = r
		break
	}
	if rec == nil {
		return nil, false
	}
	mustRevalidate = s.mustRevalidateLocked(e, rec)
	if rec.Pass && (mustRevalidate || !s.cfg.Now().Before(rec.PassUntil.Time())) {
		return nil, false
	}
	s.pools[e.pool].use(e)
	return rec, mustRevalidate
}

// dropLostLocked drops what e holds by right of a key that another node owns by now. It reports
// whether anything is left.
func (s *Store) dropLostLocked(e *entry) bool {
	turn := s.cfg.Node.RingEpoch()
	if s.cfg.Node == nil || e.turn == turn {
		return true
	}
	since := e.turn
	e.turn = turn
	if !slices.ContainsFunc(e.variants, owns) {
		return true
	}
	if s.ownerOf(e.key()) == nil {
		if !s.cfg.Node.OwnedSince(s.routingKey(e.key())+".0", since) {
			s.clock++ // another node may have known better meanwhile
			e.doubt = s.clock
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

// owns reports whether rec was made by the node that owned it.
func owns(rec *Record) bool { return rec.Lease.IsZero() }

// mustRevalidateLocked reports whether rec may be used no more without a word from its owner; or,
// if that is this node, from the origin, since others may have stood in for this node while it was
// out of contact.
func (s *Store) mustRevalidateLocked(e *entry, rec *Record) bool {
	switch {
	case s.rests(rec): // it has been tried just now
		return false
	case owns(rec):
		return rec.fetchedAt < max(s.revalidateBefore, e.doubt)
	}
	return !s.cfg.Now().Before(rec.Lease.Time())
}

// RevalidateAll has each record that is stored now validated at its next use. It is to be called
// when this node has been out of contact with its peers.
func (s *Store) RevalidateAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	s.revalidateBefore = s.clock
}

// installLocked puts rec into the table, in the place of the one for the same variant.
func (s *Store) installLocked(rec *Record) { s.insertLocked(rec, nil) }

// insertLocked is installLocked for a record that takes the place of prev, too, for whatever
// requests that is; prev may be nil.
func (s *Store) insertLocked(rec, prev *Record) {
	e, ok := s.entries[rec.Key]
	var names []string
	if ok {
		rec.Key, names = e.key(), e.varyFor(true) // the key takes no memory of its own
	} else {
		rec.Key = strings.Clone(rec.Key) // of a longer line perhaps
		e = &entry{turn: rec.ringEpoch, query: s.queries.add(rec.Key)}
		s.entries[rec.Key] = e
	}
	e.turn = min(e.turn, rec.ringEpoch)
	for _, old := range e.variants {
		rec.inherit(old)
	}
	s.name(rec)
	rec.settle()
	kept, dropped := s.besideLocked(e, rec, prev)
	if rec.Pass { // it is for those for whom there is nothing better
		kept = append(kept, rec)
	} else {
		kept = slices.Insert(kept, 0, rec)
	}
	if i := surplus(kept, rec); i >= 0 {
		dropped = append(dropped, kept[i])
		kept = slices.Delete(kept, i, i+1)
	}
	s.setLocked(e, kept)
	for _, old := range dropped {
		if !slices.ContainsFunc(kept, func(r *Record) bool { return r.Version == old.Version }) {
			s.forgetBodyLocked(old.Version, "")
		}
	}
	if ok && owns(rec) && len(kept) > 0 {
		s.variesLocked(e, names)
	}
	s.evictLocked(e)
}

// besideLocked returns those of e's variants that stay beside rec, and those that don't.
func (s *Store) besideLocked(e *entry, rec, prev *Record) (kept, dropped []*Record) {
	names := func(old *Record) []string {
		if rec.Pass {
			return rec.Vary
		}
		return merged(e.varyFor(old.HeadOnly), rec.Vary)
	}
	for _, old := range e.variants {
		if old == prev || rec.replaces(old) && s.alike(rec, old, names(old)) {
			dropped = append(dropped, old)
		} else {
			kept = append(kept, old)
		}
	}
	return kept, dropped
}

// name gives rec the key of its first chunk. The version, which is a part of it, takes no memory of
// its own then.
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
		s.reserveLocked()
		return
	}
	e.variants, e.bytes = variants, 0
	for _, rec := range variants {
		e.bytes += uint32(s.size(rec))
	}
	e.pool = e.class()
	s.pools[e.pool].add(e)
	s.recordBytes += int64(e.bytes)
	s.reserveLocked()
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

// withdrawLocked drops rec, or what has taken its place, but no other variant that has the same
// bytes.
func (s *Store) withdrawLocked(rec *Record) {
	now := s.successorLocked(rec)
	if now == nil {
		return
	}
	e := s.entries[now.Key]
	s.setLocked(e, slices.DeleteFunc(slices.Clone(e.variants), func(r *Record) bool { return r == now }))
	if s.currentLocked(now) == nil {
		s.forgetBodyLocked(now.Version, "")
	}
}

// dropLocked drops all records of rec's version.
func (s *Store) dropLocked(rec *Record) {
	if e, ok := s.entries[rec.Key]; ok {
		s.setLocked(e, slices.DeleteFunc(slices.Clone(e.variants), func(r *Record) bool { return r.Version == rec.Version }))
	}
	s.forgetBodyLocked(rec.Version, "")
}

// currentLocked returns a record in the table that has rec's version, or nil: rec itself or what
// has taken its place, if that is there.
func (s *Store) currentLocked(rec *Record) *Record {
	if now := s.successorLocked(rec); now != nil {
		return now
	}
	return s.variantWhereLocked(rec.Key, func(r *Record) bool { return r.Version == rec.Version })
}

// successorLocked returns the record in the table that is rec or has taken its place, with the same
// bytes, or nil. Other variants may have the same version.
func (s *Store) successorLocked(rec *Record) *Record {
	now := s.variantWhereLocked(rec.Key, func(r *Record) bool { return r.Version == rec.Version && r.Revision == rec.Revision })
	if now == nil {
		now = s.variantWhereLocked(rec.Key, func(r *Record) bool {
			return r.Version == rec.Version && r.Variant == rec.Variant && slices.Equal(r.Vary, rec.Vary)
		})
	}
	return now
}

// variantWhereLocked returns the first of key's records that is one, or nil.
func (s *Store) variantWhereLocked(key string, is func(*Record) bool) *Record {
	if e, ok := s.entries[key]; ok {
		if i := slices.IndexFunc(e.variants, is); i >= 0 {
			return e.variants[i]
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

// changeLocked puts copies that change has changed in the place of all records that have rec's
// version.
func (s *Store) changeLocked(rec *Record, change func(*Record)) {
	e, ok := s.entries[rec.Key]
	if !ok {
		return
	}
	variants := slices.Clone(e.variants)
	for i, now := range variants {
		if now.Version == rec.Version {
			variants[i] = now.with(change)
			variants[i].settle()
		}
	}
	s.setLocked(e, variants)
	s.evictLocked(e)
}

// supersedeLocked puts rec, which has the same bytes, in the place of old, which must be in the
// table: as the newest, for the requests that it is for, and under another key if it belongs there
// by now.
func (s *Store) supersedeLocked(old, rec *Record) {
	if rec.Key == old.Key {
		s.insertLocked(rec, old)
		return
	}
	rec.ringEpoch = min(rec.ringEpoch, s.entries[old.Key].turn)
	rec.inherit(old)
	s.dropLocked(old)
	s.installLocked(rec)
}
