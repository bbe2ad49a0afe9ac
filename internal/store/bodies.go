package store

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/chunks"
)

// body is what this node knows of the bytes of one version, besides the chunks that are held.
type body struct {
	runs []*run // the fills that are reading it
	// held in the chunks group, or were: parts of chunks that came as parts of the content
	pieces []chunk.Span
	found  found // that the chunks group has
}

// found is what has been seen to be in the chunks group since a mark.
type found struct {
	spans chunk.Spans
	since chunks.Mark
}

// bodies is what this node knows of the bytes of all versions, and the fills that read them.
type bodies struct {
	mu        sync.Mutex // guards all below but live; methods of other types may need it, too
	byVersion map[string]*body
	fills     int64        // begun so far
	begun     counters     // by version, how many of them
	live      atomic.Int64 // fills that are reading
}

func (b *bodies) bodyLocked(version string) *body {
	known, ok := b.byVersion[version]
	if !ok {
		known = &body{}
		b.byVersion[version] = known
	}
	return known
}

// forget drops what is known of a version whose record is gone, unless a fill is still reading it.
func (b *bodies) forget(version string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgetLocked(version)
}

func (b *bodies) forgetLocked(version string) {
	if known, ok := b.byVersion[version]; ok && len(known.runs) == 0 {
		delete(b.byVersion, version)
	}
}

// begunLocked tells states of the fills of rec's version apart: it changes with each fill that
// begins.
func (b *bodies) begunLocked(rec *Record) int64 { return b.begun.at(rec.Version).Load() }

// runsLocked are the fills that are reading rec's bytes.
func (b *bodies) runsLocked(rec *Record) []*run {
	if known, ok := b.byVersion[rec.Version]; ok {
		return known.runs
	}
	return nil
}

// passedLocked reports whether a fill that is still reading has read the byte at off and doesn't
// hold it any more. Then it has pushed it.
func (b *bodies) passedLocked(rec *Record, off int64) bool {
	return slices.ContainsFunc(b.runsLocked(rec), func(run *run) bool {
		return !run.relays() && run.start <= off && off < run.Span().Base
	})
}

// readsLocked reports whether another fill than next is reading the chunk with rec's byte at off,
// or has read it and still holds it.
func (b *bodies) readsLocked(rec *Record, next *run, off int64) bool {
	return slices.ContainsFunc(b.runsLocked(rec), func(run *run) bool {
		return run != next && !run.relays() && run.Reads(off)
	})
}
