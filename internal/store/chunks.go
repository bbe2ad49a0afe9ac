package store

import (
	"cmp"
	"slices"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/chunks"
)

// smallOf returns rec's content if a record holds it. That may be a later record than rec, which
// had no content yet.
func (s *Store) smallOf(rec *Record) ([]byte, bool) {
	if rec.small == nil && rec.Length <= maxSmall {
		rec = cmp.Or(s.current(rec), rec)
	}
	return rec.content(), rec.small != nil
}

// Push hands a finished chunk on.
func (r *run) Push(off int64, b []byte) {
	if !r.pushSmall(off, b) {
		r.s.push(r.rec, off, b, r.shared.Load() || r.s.crowded())
	}
}

// pushSmall is Push for a content that is held in the record. It reports whether b is one.
func (r *run) pushSmall(off int64, b []byte) bool {
	s, rec := r.s, r.rec
	if off > 0 || len(b) > maxSmall || rec.Length >= 0 && rec.Length != int64(len(b)) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.current(rec)
	switch {
	case now == nil:
		return false
	case rec.Length < 0: // whether it is all, the end tells
		r.tail = b
	case now.small == nil:
		content := smallContent(b)
		s.changeLocked(rec.Key, rec.sameBytes, func(r *Record) { r.small = content })
	}
	return true
}

// cached returns the chunk c of rec if this node holds it. If use is set, a request for it uses it
// that isn't the one that it has come for.
func (s *Store) cached(rec *Record, c chunk.Chunk, use bool) ([]byte, bool) {
	if b, ok := s.smallOf(rec); ok {
		return b, c.ID == firstChunk
	}
	b, ok := s.inChunks(s.chunkKey(rec, c.ID), use)
	return b, ok && rec.fills(c, b)
}

func (s *Store) inChunks(key string, use bool) ([]byte, bool) {
	if use {
		return s.chunks.Use(key)
	}
	return s.chunks.Peek(key)
}

// fills reports whether b can be the chunk c of r, by its length.
func (r *Record) fills(c chunk.Chunk, b []byte) bool {
	return r.Length < 0 || int64(len(b)) == min(c.End, r.Length)-c.Start
}

// push hands a finished chunk to the chunks group. If wanted is set, it doesn't
// go to probation.
func (s *Store) push(rec *Record, off int64, b []byte, wanted bool) {
	c, sp := s.cfg.Geometry.At(off, rec.OneSlab), chunk.Span{Start: off, End: off + int64(len(b))}
	// of a length that isn't known, the last chunk may end anywhere
	whole := off == c.Start && sp.End >= min(c.End, rec.Length)
	key := s.chunkKey(rec, c.ID)
	if !whole {
		key = s.fragmentKey(rec, sp)
	}
	main := s.chunks.Put(key, b, wanted)
	s.mu.Lock()
	s.placedLocked(rec, main)
	s.ageLocked()
	s.mu.Unlock()
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	body := s.bodyLocked(rec.Version)
	if whole {
		body.fragments = slices.DeleteFunc(body.fragments, func(sp chunk.Span) bool {
			return c.Start <= sp.Start && sp.End <= c.End
		})
	} else if len(body.fragments) < maxFragments && !slices.Contains(body.fragments, sp) {
		body.fragments = append(body.fragments, sp)
	}
}

// fragments returns the fragments of rec's content that this node knows of.
func (s *Store) fragments(rec *Record) []chunk.Span {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	if b, ok := s.byVersion[rec.Version]; ok {
		return slices.Clone(b.fragments)
	}
	return nil
}

// fragmentAt returns the bytes of rec's content from off on to the end of a fragment, if this node
// holds one. use is cached's.
func (s *Store) fragmentAt(rec *Record, off int64, use bool) ([]byte, bool) {
	for _, sp := range s.fragments(rec) {
		if off < sp.Start || off >= sp.End {
			continue
		}
		b, ok := s.inChunks(s.fragmentKey(rec, sp), use)
		if ok && int64(len(b)) == sp.End-sp.Start {
			return b[off-sp.Start:], true
		}
		s.bodies.mu.Lock() // evicted
		if b, ok := s.byVersion[rec.Version]; ok {
			b.fragments = slices.DeleteFunc(b.fragments,
				func(old chunk.Span) bool { return old == sp })
		}
		s.bodies.mu.Unlock()
	}
	return nil, false
}

// maxFragments bounds the fragments that are known of one version.
const maxFragments = 1024

// heldUpTo returns the end of the chunk or fragment with rec's byte at off if this node holds that,
// else off. use is cached's.
func (s *Store) heldUpTo(rec *Record, off int64, use bool) int64 {
	c := s.cfg.Geometry.At(off, rec.OneSlab)
	if _, ok := s.cached(rec, c, use); ok {
		return c.End
	}
	if rec.Fragments {
		if b, ok := s.fragmentAt(rec, off, use); ok {
			return off + int64(len(b))
		}
	}
	return off
}

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
