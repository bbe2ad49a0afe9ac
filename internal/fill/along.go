package fill

import (
	"context"
	"time"

	"github.com/scurrycache/scurry/internal/workers"
)

// The body that a client's request has brought is read in that client's place, up to a length: by
// the goroutine that sends it what has come, in turns. A goroutine for each of the two would wait
// for the other at each piece, and to wake one costs more than to read or to send a piece. While
// the goroutine waits for its client, the body is read beside it: others may follow the run.

const (
	mostAlong   = 1 << 20  // so many bytes are read in the follower's place, at the most
	alongAtOnce = 64 << 10 // and so many before it sends them on
)

// alongside lets the follower in whose place r reads have what has come, unless that is the end or
// the body is a large one.
func (r *Run) alongside() {
	switch span := r.Span(); {
	case !r.task.Attached() || r.complete():
	case span.Pos >= r.cfg.Start+mostAlong:
		r.task.Detach()
	default:
		r.task.Suspend()
	}
}

// pauseReadingLocked is waitLocked for the run itself. It doesn't wait for a follower in whose
// place it reads.
func (r *Run) pauseReadingLocked(ctx context.Context, tick <-chan time.Time) (ticked bool,
	err error) {
	if r.task.Attached() {
		r.mu.Unlock()
		r.task.Detach()
		r.mu.Lock()
		return false, nil // it may have gone on meanwhile
	}
	return r.waitLocked(ctx, tick)
}

// Drive gives f the Task that reads its run's body, and is suspended. f resumes it rather than wait
// for it.
func (f *Follower) Drive(t *workers.Task) { f.reads = t }

// Drives reports whether the run's body is read in f's place. Then f must be released before its
// goroutine waits for anything else, since others may follow the run.
func (f *Follower) Drives() bool { return f.reads != nil }

// Release has the run's body read by a goroutine of its own.
func (f *Follower) Release() {
	if t := f.reads; t != nil {
		f.reads = nil
		t.Release()
	}
}

// driveLocked has the body read on in f's place, if it is. wait is called before that waits for the
// origin.
func (f *Follower) driveLocked(ctx context.Context, wait func()) (drove bool) {
	if f.reads == nil {
		return false
	}
	f.r.mu.Unlock()
	defer f.r.mu.Lock()
	if !f.reads.Resume(ctx, wait) {
		f.reads = nil
	}
	return true
}
