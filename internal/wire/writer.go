package wire

import (
	"runtime"
	"slices"
	"sync"
)

// About how much of what is small, and of bulk, goes with one write at most: a small message may
// have to wait for it.
const (
	batchSmall = 56 << 10
	batchBulk  = 256 << 10
)

// maxRefusals is how many refusals may be waiting to be sent before no more requests are read: a
// client that sends requests and reads no responses must not fill this side's memory.
const maxRefusals = 1 << 14

// writer sends what streams have queued, all that there is with one write. What is queued while a
// write is under way goes with the next one, so the busier the connection, the more each write
// carries.
type writer struct {
	batch                  // is being made or written, by the goroutine
	sentLast func(*outbox) // called, locked, when a stream's last frame goes; may be nil

	mu      sync.Mutex // guards what follows
	urgent  outboxes   // those whose next frame is small
	bulk    outboxes   // the others
	signs   []kind     // the connection's own frames that are to be sent
	made    int        // how many batches have been made
	written int        // how many of them have been written
	idle    bool       // the goroutine waits for work
	closed  bool
	work    sync.Cond // waits for something to send
	room    sync.Cond // waits for a batch to be written
}

// sendLocked queues i as o's.
func (w *writer) sendLocked(o *outbox, i item) {
	o.items = append(o.items, i)
	o.queued += len(i.data)
	w.enlistLocked(o)
	w.wakeLocked()
}

// signLocked queues a frame of the connection's own. One does for all that weren't sent yet.
func (w *writer) signLocked(k kind) {
	if !slices.Contains(w.signs, k) {
		w.signs = append(w.signs, k)
	}
	w.wakeLocked()
}

// enlistLocked puts o where its next frame belongs.
func (w *writer) enlistLocked(o *outbox) {
	var l *outboxes
	switch {
	case len(o.items) == 0:
	case o.items[0].urgent():
		l = &w.urgent
	default:
		l = &w.bulk
	}
	o.move(l)
}

func (w *writer) wakeLocked() {
	if w.idle {
		w.idle = false
		w.work.Signal()
	}
}

func (w *writer) closeLocked() {
	w.closed = true
	w.work.Broadcast()
	w.room.Broadcast()
}

// run writes until writing fails, or until the writer is closed (nil).
func (w *writer) run() error {
	for w.next() {
		if err := w.write(); err != nil {
			return err
		}
	}
	return nil
}

// next waits for something to send, and makes a batch of it. It returns false when the writer is
// closed.
func (w *writer) next() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written = w.made
	w.room.Broadcast()
	for len(w.urgent)+len(w.bulk)+len(w.signs) == 0 && !w.closed {
		w.idle = true
		w.work.Wait()
		// Other goroutines get the chance to queue something first. That costs a turn in the
		// scheduler's queue, and nothing if no other goroutine runs.
		w.mu.Unlock()
		runtime.Gosched()
		w.mu.Lock()
	}
	if w.closed {
		return false
	}
	for _, k := range w.signs {
		w.header(header{kind: k})
	}
	w.signs = w.signs[:0]
	w.takeLocked(&w.urgent, batchSmall)
	w.takeLocked(&w.bulk, batchBulk)
	w.made++
	return true
}

// takeLocked takes frames of l's outboxes until there are about most bytes of them. Bulk takes
// turns; what is small of one outbox goes together.
func (w *writer) takeLocked(l *outboxes, most int) {
	for n := 0; n < most && len(*l) > 0 && w.roomy(); {
		o := (*l)[0]
		n += headerSize + w.frameLocked(o)
		if l == &w.bulk {
			o.move(nil)
		}
		w.enlistLocked(o)
	}
}

// frameLocked takes o's next frame, and returns how much of o's it carries.
func (w *writer) frameLocked(o *outbox) int {
	h, whole, more := o.frame()
	w.header(h)
	for _, i := range o.items[:whole] {
		w.put(i.data)
	}
	if more > 0 {
		i := &o.items[whole]
		w.put(i.data[:more])
		i.data = i.data[more:]
	}
	o.items = slices.Delete(o.items, 0, whole)
	o.queued -= h.size
	o.began = true
	o.room.Broadcast()
	if h.last && w.sentLast != nil {
		w.sentLast(o)
	}
	return h.size
}
