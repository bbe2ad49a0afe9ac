package store

import (
	"context"
	"errors"
	"slices"

	"github.com/scurrycache/scurry/internal/chunk"
)

// smallOf returns the content of rec, which may have been found before that came, if a record holds
// it.
func (s *Store) smallOf(rec *Record) ([]byte, bool) {
	if rec.small != nil || rec.Length > maxSmall {
		return rec.content(), rec.small != nil
	}
	now := s.current(rec)
	if now == nil || now.small == nil {
		return nil, false
	}
	return *now.small, true
}

// pushSmall is push for what is to be held in the record. It reports whether b is.
func (s *Store) pushSmall(rec *Record, off int64, b []byte) bool {
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
		s.bodyLocked(rec.Version).tail = b
	case now.small == nil:
		content := smallContent(b)
		s.changeLocked(rec, func(r *Record) { r.small = content })
	}
	return true
}

// cached returns the chunk c of rec if the chunks group has it: on this node, or, if ctx is a
// chunkRequest that may go there, on its owner.
func (s *Store) cached(ctx context.Context, rec *Record, c chunk.Chunk) ([]byte, bool) {
	if b, ok := s.smallOf(rec); ok {
		return b, c.ID == firstChunk
	}
	b, err := s.chunks.Get(ctx, s.chunkKey(rec, c.ID))
	return b, err == nil && (rec.Length < 0 || int64(len(b)) == min(c.End, rec.Length)-c.Start)
}

// push puts a finished chunk into the chunks group. The group offers no way to set a value, so it
// is asked for it, with the value at hand for its getter. The request may join one that is already
// open and fails; then it is put again.
func (s *Store) push(rec *Record, off int64, b []byte) {
	if s.pushSmall(rec, off, b) {
		return
	}
	c := s.cfg.Geometry.At(off, rec.OneSlab)
	key, whole := s.chunkKey(rec, c.ID), true
	if end := off + int64(len(b)); off > c.Start || end < min(c.End, rec.Length) { // of a length that isn't known, the last chunk may end anywhere
		key, whole = s.fragmentKey(rec, chunk.Span{Start: off, End: end}), false
	}
	for p := (&chunkRequest{Context: s.base, push: b}); !p.taken; {
		if _, err := s.chunks.Get(p, key); !errors.Is(err, ErrNotCached) {
			break // it is there, or the store is being closed
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	body := s.bodyLocked(rec.Version)
	if whole {
		body.pushed = body.pushed.Add(off, off+int64(len(b)))
		body.pieces = slices.DeleteFunc(body.pieces, func(sp chunk.Span) bool { return c.Start <= sp.Start && sp.End <= c.End })
	} else if sp := (chunk.Span{Start: off, End: off + int64(len(b))}); len(body.pieces) < maxFragments && !slices.Contains(body.pieces, sp) {
		body.pieces = append(body.pieces, sp)
	}
}

// chunkRequest is the context of a request for a chunk that is more than whether this node holds
// it.
type chunkRequest struct {
	context.Context
	push  []byte // the chunk itself, which is to be held from now on
	taken bool   // it is

	remote bool   // the owner may be asked
	peer   string // who answered
}

type chunkRequestKey struct{}

func (c *chunkRequest) Value(key any) any {
	if key == (chunkRequestKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// loadChunk is the getter of the chunks group. It never waits and never asks the origin: a reader
// that misses a chunk joins a fill, or starts one, and so gets its bytes as they come.
func (s *Store) loadChunk(ctx context.Context, _ string) ([]byte, error) {
	if c, ok := ctx.Value(chunkRequestKey{}).(*chunkRequest); ok && c.push != nil {
		c.taken = true
		return c.push, nil
	}
	return nil, ErrNotCached
}

// fetchChunk asks the owner of a chunk for it, if it holds it.
func (s *Store) fetchChunk(ctx context.Context, owner, key string) ([]byte, error) {
	c, ok := ctx.Value(chunkRequestKey{}).(*chunkRequest)
	if !ok || !c.remote {
		return nil, ErrNotCached
	}
	// The store's context, since others may wait for this, too. The owner answers at once.
	b, err := s.cfg.Remote.Chunk(s.base, owner, key)
	if err == nil {
		c.peer = owner
	}
	return b, err
}

// fragmentAt returns the bytes of rec's content from off on to the end of a fragment, if this node
// holds one.
func (s *Store) fragmentAt(ctx context.Context, rec *Record, off int64) ([]byte, bool) {
	s.mu.Lock()
	var sp chunk.Span
	if b, ok := s.byVersion[rec.Version]; ok {
		if i := slices.IndexFunc(b.pieces, func(sp chunk.Span) bool { return sp.Start <= off && off < sp.End }); i >= 0 {
			sp = b.pieces[i]
		}
	}
	s.mu.Unlock()
	if sp.End == 0 {
		return nil, false
	}
	b, err := s.chunks.Get(ctx, s.fragmentKey(rec, sp))
	if err == nil && int64(len(b)) == sp.End-sp.Start {
		return b[off-sp.Start:], true
	}
	s.mu.Lock() // evicted
	defer s.mu.Unlock()
	if b, ok := s.byVersion[rec.Version]; ok {
		b.pieces = slices.DeleteFunc(b.pieces, func(old chunk.Span) bool { return old == sp })
	}
	return nil, false
}

// maxFragments bounds the fragments that are known of one version.
const maxFragments = 1024

// heldUpTo returns up to where this node holds rec's bytes from off on, in one chunk or fragment.
func (s *Store) heldUpTo(ctx context.Context, rec *Record, off int64) int64 {
	c := s.cfg.Geometry.At(off, rec.OneSlab)
	if _, ok := s.cached(ctx, rec, c); ok {
		return c.End
	}
	if rec.Fragments {
		if b, ok := s.fragmentAt(ctx, rec, off); ok {
			return off + int64(len(b))
		}
	}
	return off
}
