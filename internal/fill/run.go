// Package fill reads one origin body into a growing run of bytes that any number of followers read
// while it grows.
//
// A body comes in, from a reader that may be opened again further on when its connection is lost.
// Out come the bytes, twice: to each Follower byte by byte as they arrive, and to the run's Content
// chunk by chunk as chunks become whole. The run owns the body and closes it; the bytes it hands
// out are immutable from the moment they are handed out and belong to all.
//
// A run outlives those who follow it: its context is that of the node, not of a client.
package fill

import (
	"cmp"
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/memory"
	"github.com/scurrycache/scurry/internal/workers"
)

// Everything as a Want means that the run reads to its end without being asked for more.
const Everything = math.MaxInt64

var (
	// ErrGone is wrapped by an error of Open when the rest of the body can't be had any more, so
	// that trying again is of no use.
	ErrGone = errors.New("the representation has changed or can't be resumed")

	// ErrFinal is wrapped by an error of Open, or of a Read, when trying again is of no use for
	// another reason.
	ErrFinal = errors.New("there is no use in trying again")

	// ErrBehind is the error of Next when the run no longer holds the byte at the position.
	ErrBehind = errors.New("the run no longer holds these bytes")

	// ErrAbandoned is the error that Done gets when a run has ended because nobody followed it.
	ErrAbandoned = errors.New("no reader is left")

	errShort = errors.New("the body ended before its length")
)

// Run is one origin body being read. Its methods may be called concurrently.
type Run struct {
	cfg    Config
	cancel context.CancelFunc
	work   sync.WaitGroup // that pushes chunks, and asks Extend

	mu        sync.Mutex
	segments  []segment // consecutive: the bytes [base, pos)
	base, pos int64
	end       int64 // -1 while unknown
	bodyEnd   int64 // where the open body ends
	want      int64
	fastest   int64 // the furthest that any follower has come
	paused    bool  // until a follower wants more
	pushed    int64 // chunks before it have been pushed, if they are to be
	reserved  int64 // of the account of pinned runs
	taken     int64 // of the room for what is to be pushed
	overflow  bool
	opened    bool
	fails     error // of attempts to open the body, which go on
	done      bool
	err       error
	followers []*Follower
	place     place
	left      int         // counts the times that the last follower has left
	leftAt    time.Time   // when it last did
	alone     *time.Timer // looks at a run that nobody has joined since
	pace      pace
	small     []byte        // what a chunk is read by way of, where room is scarce
	viaSmall  bool          // the read that goes on is
	flows     bool          // the last one filled it
	stalled   *time.Timer   // gives back the room for what a body that stalls hasn't sent
	extending bool          // Extend is being asked
	most      int64         // the run is not to read on beyond it
	changed   chan struct{} // closed and forgotten at the next change; nil if no one waits
}

// segment is one chunk, whole or growing.
type segment struct {
	off  int64
	b    []byte
	size int64 // of b, once it is whole
	took int64 // room that is given back when it has been pushed
	by   bool  // it may be read by way of a small buffer
	lent *lent // what b is of, if that isn't pushed
}

func (p segment) end() int64 { return p.off + int64(len(p.b)) }

func (p segment) whole() bool { return int64(len(p.b)) == p.size }

// resize gives p memory for n bytes. What followers have got of the old memory stays as it is.
func (p *segment) resize(n int64) {
	b := memory.Make(n)
	copy(b, p.b)
	p.b = b[:len(p.b)]
}

// trim gives up the room that a last chunk doesn't need: a cached value with spare room would cost
// more than is counted.
func (p *segment) trim() {
	if p.size = int64(len(p.b)); len(p.b) < cap(p.b) && p.lent == nil {
		p.resize(p.size)
	}
}

// New makes a run, which reads nothing before Start. Followers may join it at once.
func New(cfg Config) *Run {
	return &Run{
		cfg:  cfg,
		base: cfg.Start, pos: cfg.Start, pushed: cfg.Start, fastest: cfg.Start,
		end: cfg.End, bodyEnd: Everything, most: cmp.Or(cfg.Most, Everything), want: cfg.Want,
		opened: cfg.Body != nil,
	}
}

// Start is Read on a goroutine of its own.
func (r *Run) Start(ctx context.Context, cancel context.CancelFunc) {
	r.begin(cancel)
	go r.run(ctx, true)
}

// Read reads the body, and returns when that is done. ctx ends the run when it ends; cancel, which
// ends ctx, is called when the body has been read. A run of known length that nobody follows by
// then counts as left.
//
// The first part of the body is read as long as t, which may be nil, is attached to its caller: t
// is suspended each time that something has come, so that the caller can send that, and may resume
// it to have more read. Before it waits for anything but the body, t is detached.
func (r *Run) Read(ctx context.Context, cancel context.CancelFunc, t *workers.Task) {
	r.begin(cancel)
	r.place = place{t}
	b, ok := r.cfg.Body.(interface{ Whole() bool })
	r.place.begin(r.Span().End-r.cfg.Start, ok && b.Whole())
	// Where the last chunk is all that is left to be pushed, followers go first, if they may be
	// waiting.
	r.run(ctx, !t.Attached())
}

func (r *Run) begin(cancel context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancel = cancel
	switch {
	case r.err != nil: // it has been abandoned by those who joined before
		cancel()
	case len(r.followers) == 0 && r.end >= 0:
		r.beginAloneLocked()
	}
}

// Span is what a run holds and will yet produce: the bytes [Base, Pos) now, and up to End if it
// isn't cut shorter (-1: to the body's end). With More, it may read on beyond End. Open tells that
// it has had a body to read from.
type Span struct {
	Base, Pos, End int64
	More, Open     bool
	begun          int64 // where the chunk ends that it reads into at present
}

// Holds reports whether s's run has the byte at off or will, perhaps, produce it.
func (s Span) Holds(off int64) bool {
	return s.Base <= off && (s.End < 0 || off < s.End || s.More && off == s.End)
}

// Reads reports whether s's run holds the byte at off, or has begun to read its chunk.
func (s Span) Reads(off int64) bool { return s.Base <= off && off < s.begun }

// Span tells where the run stands. What it says may be out of date at once, except that Base and
// Pos only grow.
func (r *Run) Span() Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spanLocked()
}

func (r *Run) spanLocked() Span {
	s := Span{Base: r.base, Pos: r.pos, End: r.end, Open: r.opened}
	if r.err != nil { // nothing more comes
		s.End = r.pos
	} else {
		s.More, s.begun = r.extensibleLocked(), r.roomEndLocked()
	}
	return s
}

// Cut makes the run end at off, where another begins, if it hasn't begun to read the chunk there. A
// pinned run, the rest of which nobody else could read, isn't cut.
func (r *Run) Cut(off int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cfg.Pinned {
		return false
	}
	if r.extensibleLocked() && r.end <= off {
		r.most = min(r.most, off) // it may be about to read on
		return true
	}
	if off < r.roomEndLocked() || (r.end >= 0 && r.end <= off) {
		return false
	}
	r.endLocked(off)
	r.wakeLocked()
	return true
}

// roomEndLocked is where the chunk ends that the run reads into at present.
func (r *Run) roomEndLocked() int64 {
	if len(r.segments) == 0 {
		return r.pos
	}
	return r.lastLocked().off + r.lastLocked().size
}

func (r *Run) lastLocked() *segment { return &r.segments[len(r.segments)-1] }

// wakeLocked wakes all who wait for a change.
func (r *Run) wakeLocked() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// pauseReadingLocked is waitLocked for the run itself. It doesn't wait for a follower in whose
// place it reads.
func (r *Run) pauseReadingLocked(ctx context.Context, tick <-chan time.Time) (ticked bool,
	err error) {
	if r.place.Attached() {
		r.mu.Unlock()
		r.place.Detach()
		r.mu.Lock()
		return false, nil // it may have gone on meanwhile
	}
	return r.waitLocked(ctx, tick)
}

// waitLocked unlocks, waits for a change, an event on tick, or ctx's end, and locks again.
func (r *Run) waitLocked(ctx context.Context, tick <-chan time.Time) (ticked bool, err error) {
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	changed := r.changed
	r.mu.Unlock()
	defer r.mu.Lock()
	select {
	case <-changed:
		return false, nil
	case <-tick:
		return true, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
