package fill

import (
	"context"

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

// place is where a run reads: in a follower's place as long as the Task is attached, which may be
// nil, else in a goroutine of its own.
type place struct{ *workers.Task }

// begin has the follower send the head before the run reads the body, unless that is whole already.
// A body that is larger than is read in a follower's place takes long, so that both should go on at
// the same time.
func (p place) begin(size int64, whole bool) {
	switch {
	case size > mostAlong:
		p.Detach()
	case !whole:
		p.Suspend()
	}
}

// turn lets the follower have what has come: read bytes so far.
func (p place) turn(read int64) {
	if read >= mostAlong {
		p.Detach()
	} else {
		p.Suspend()
	}
}

// atOnce is what is to be read next of b.
func (p place) atOnce(b []byte) []byte {
	if p.Attached() {
		return b[:min(len(b), alongAtOnce)]
	}
	return b
}

// driver is a follower's hold on the Task that reads its run's body in its place.
type driver struct{ reads *workers.Task } // nil if that isn't the follower's to care for

// Drive gives the follower the Task that reads its run's body, and is suspended. The follower
// resumes it rather than wait for it.
func (d *driver) Drive(t *workers.Task) { d.reads = t }

// Drives reports whether the run's body is read in the follower's place. Then it must be released
// before its goroutine waits for anything else, since others may follow the run.
func (d *driver) Drives() bool { return d.reads != nil }

// Release has the run's body read by a goroutine of its own.
func (d *driver) Release() {
	if t := d.reads; t != nil {
		d.reads = nil
		t.Release()
	}
}

// goOn has the body read on in the follower's place. wait is called before that waits for the
// origin.
func (d *driver) goOn(ctx context.Context, wait func()) {
	if !d.reads.Resume(ctx, wait) {
		d.reads = nil
	}
}
