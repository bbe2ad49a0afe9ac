package store

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/chunks"
	"github.com/scurrycache/scurry/internal/fill"
)

// body is what this node knows of the bytes of one version, besides the chunks that are held.
type body struct {
	runs []*run // the fills that are reading it
	// held in the chunks group, or were: parts of chunks that came as parts of the content
	fragments []chunk.Span
	found     found // that the chunks group has
}

// found is what has been seen to be in the chunks group since a mark.
type found struct {
	spans chunk.Spans
	since chunks.Mark
}

// bodies is what this node knows of the bytes of all versions, and the fills that read them.
type bodies struct {
	// guards all below but live and lead; methods of other types may need it, too
	mu        sync.Mutex
	byVersion map[string]*body
	fills     int64        // begun so far
	begun     counters     // by version, how many of them
	live      atomic.Int64 // fills that are reading
	lead      atomic.Int64 // bytes that they may be ahead of their readers, at the least
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
		return run != next && !run.relays() && run.Span().Reads(off)
	})
}

// source is where a fill of the bytes [start, end) reads: from body, which is open, and after that,
// or if it is nil, from the origin, with the fields of by, unless relay has something to say about
// it.
type source struct {
	start, end int64 // end is -1 if the content's end isn't known
	want       int64 // it pauses here until somebody wants more
	body       fill.Body
	part       bool // body isn't one that goes to the content's end
	by         Fields
	wanted     bool // it is to be stored although nobody may read it
	beyond     bool // it is opened to the end of the content
	relay      *relay
	trailer    func() http.Header // after body; nil if there can't be any
	ctx        context.Context    // of body; nil if there is none
	cancel     context.CancelFunc
}

// drop ends what from would read, if no fill is to read it.
func (from *source) drop() {
	from.cancel()
	if from.body != nil {
		_ = from.body.Close()
	}
}

// run is a fill that is reading, and where it reads. It is the fill's Content.
type run struct {
	*fill.Run
	s   *Store
	rec *Record
	source
	plain bool // its body answers a plain GET
	// a follower has come for another request than the one that it was begun for
	shared atomic.Bool
	came   http.Header // the trailer that came after the body; set before followers see the end
	// the origin has answered two requests for the last part with errors of its own
	failed bool
	tail   []byte // the last bytes of a content whose length isn't known, if they may be all
}

// via is the relay that r reads from, or nil if that is the origin. r may be nil.
func (r *run) via() *relay {
	if r == nil {
		return nil
	}
	return r.relay
}

// relays reports whether r depends on another node.
func (r *run) relays() bool { return r.relay.active() }

// relay is where a fill of what another node owns reads: there, where the bytes are read from the
// origin at this moment or held. Once no owner can be had it reads from the origin, and what it
// reads is then kept. It is used by its fill's goroutine, and other goroutines look at what is
// atomic. It is the fill's Content.
type relay struct {
	*run                // the fill
	whole   bool        // all of the content will be wanted
	room    int64       // how far ahead of its readers it may be
	trailer http.Header // that came with the content's end

	origin  atomic.Bool             // no owner can be reached
	removed atomic.Bool             // an owner has said so of the bytes: see Reader.invalidated
	reads   atomic.Pointer[relayed] // what is read, or was last; nil if no bytes can have come yet
	past    atomic.Int32            // Asked, of what came before
}

func (r *relay) active() bool { return r != nil && !r.origin.Load() }

func (r *relay) invalidated() bool { return r != nil && r.removed.Load() }

// name is that of the node that r reads from.
func (r *relay) name() string {
	if b := r.reads.Load(); b != nil {
		return b.owner
	}
	return ""
}

// relayed is a content that an owner sends.
type relayed struct {
	Content
	relay   *relay
	owner   string       // that sends it
	cause   Cause        // for which it was asked for
	end     int64        // -1 for the content's end
	pos     atomic.Int64 // all before it has come
	told    int64        // up to where the owner has said what it expects
	expects atomic.Int32 // Asked, as it does; NotAsked once it has said more
	settled sync.Once
}
