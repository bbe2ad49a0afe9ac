package wire

import (
	"net"
	"runtime"
	"sync"
)

// batchBulk is how much bulk goes with one write: what a small message may have to wait for.
const batchBulk = 256 << 10

// maxRefusals is how many refusals may be waiting to be sent before no more requests are read: a
// client that sends requests and reads no responses must not fill this side's memory.
const maxRefusals = 1 << 14

// writer sends what streams have queued, all that there is with one write. What is queued while a
// write is under way goes with the next one, so the busier the connection, the more each write
// carries.
type writer struct {
	framer             // its batch is being made or written, by the goroutine
	leaveUnderWay bool // the batch has this side's leave in it

	mu        *sync.Mutex // the link's. It guards what follows
	urgent    outboxes    // those whose next frame is small
	bulk      outboxes    // the others
	leave     bool        // is to be sent
	leaveSent bool        // it has been
	ping      uint64      // to be sent, if not 0
	pong      uint64
	pinged    bool // a pong is to be sent
	idle      bool // the goroutine waits for work
	writing   bool // a batch is on its way
	closed    bool
	work      sync.Cond // waits for something to send
	room      sync.Cond // waits for fewer urgent outboxes, or for leaveSent
}

func (w *writer) init(conn net.Conn, mu *sync.Mutex) {
	w.batch.init(conn)
	w.mu = mu
	w.work.L, w.room.L = mu, mu
}

// enlistLocked puts o where its next frame belongs.
func (w *writer) enlistLocked(o *outbox) {
	switch {
	case o.ack || o.cancel || o.credit > 0 || (o.waiting() > 0 && o.items[o.head].urgent()):
		if o.list != &w.urgent {
			o.remove()
			w.urgent.push(o)
		}
	case o.list == nil && o.waiting() > 0:
		w.bulk.push(o)
	}
	w.wakeLocked()
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

func (w *writer) nothingLocked() bool {
	return w.urgent.n == 0 && w.bulk.n == 0 && !w.leave && w.ping == 0 && !w.pinged
}

// run writes until writing fails, or until the writer is closed (nil).
func (w *writer) run() error {
	for w.next() {
		leaving := w.leaveUnderWay
		if err := w.write(); err != nil {
			return err
		}
		if leaving {
			w.mu.Lock()
			w.leaveUnderWay, w.leaveSent = false, true
			w.room.Broadcast()
			w.mu.Unlock()
		}
	}
	return nil
}

// next waits for something to send, and makes a batch of it. It returns false when the writer is
// closed.
func (w *writer) next() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writing = false
	for w.nothingLocked() && !w.closed {
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
	w.batchLocked()
	w.writing = true
	return true
}

// batchLocked takes what goes next: all that is small, as far as there is scratch for it, and some
// bulk.
func (w *writer) batchLocked() {
	w.signsLocked()
	w.smallLocked()
	for n := 0; n < batchBulk && w.bulk.front != nil && w.roomyForBulk(); {
		o := w.bulk.front
		o.remove()
		n += w.frameLocked(o)
		w.enlistLocked(o)
	}
	w.smallLocked() // ends of what was bulk
	if w.urgent.n < maxRefusals {
		w.room.Broadcast()
	}
}

// signsLocked takes the connection's own frames.
func (w *writer) signsLocked() {
	if w.leave {
		w.leave, w.leaveUnderWay = false, true
		w.header(kindLeave, 0, 0)
	}
	if w.ping != 0 {
		w.header(kindPing, 0, w.ping)
		w.ping = 0
	}
	if w.pinged { // one answers all pings before it
		w.pinged = false
		w.header(kindPong, 0, w.pong)
	}
}

func (w *writer) smallLocked() {
	for w.urgent.front != nil && w.roomy() {
		o := w.urgent.front
		for o.waiting() > 0 && o.items[o.head].urgent() && w.roomy() {
			w.frameLocked(o)
		}
		w.notesLocked(o)
		o.remove()
		w.enlistLocked(o)
	}
}

// notesLocked takes the frames about o's stream that aren't items.
func (w *writer) notesLocked(o *outbox) {
	if o.credit > 0 {
		w.header(kindCredit, 4, o.id)
		w.word(uint32(o.credit))
		o.credit = 0
	}
	if o.cancel {
		w.header(kindCancel, 0, o.id)
		o.cancel = false
	}
	if o.ack && !o.acked {
		w.header(kindAck, 0, o.id)
		o.acked = true
	}
	o.ack = false
}
