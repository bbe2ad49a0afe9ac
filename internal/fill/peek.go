package fill

import (
	"io"
	"sync"
	"time"
)

// HeadWait is how long the head of a response waits for the first bytes of its body, so that a
// connection that breaks right behind the head is known before the head is sent on. A head whose
// body keeps silent longer is sent without it.
const HeadWait = 20 * time.Millisecond

// PeekSize is how many bytes of a body are enough to send its head on.
const PeekSize = 4 << 10

// closeWait is how long a Read may take to return after cancel.
const closeWait = time.Second

// enoughNow is how many bytes are enough if they have come together with the head: then its sender
// hasn't merely begun.
const enoughNow = 1 << 10

// Peeked is a body whose first bytes are read ahead of its reader: for HeadWait, and no longer than
// it takes to have 4 KiB or to come to the end. It is used by one goroutine at a time.
type Peeked struct {
	body   Body
	cancel func()
	idle   chan struct{} // closed when nothing is read ahead any more

	mu      sync.Mutex
	room    []byte // guarded by mu, as is all below; what is beyond got is the reading goroutine's
	given   int    // bytes of room that Read has handed out
	got     int    // that have come
	err     error  // that came after them
	reading bool
	enough  bool // the reading goroutine is to stop after its Read
}

// Ready is what a body may be that knows whether its next Read returns at once.
type Ready interface{ Ready() bool }

// Peek reads the first bytes of body, whose Read must return after a call of cancel. It calls
// beforeWait before it waits for any.
func Peek(body Body, cancel, beforeWait func()) *Peeked {
	p := &Peeked{body: body, cancel: cancel, idle: make(chan struct{}), reading: true}
	p.room = rooms.Get().(*room)[:]
	for b, ok := body.(Ready); ok && p.reading && b.Ready(); {
		p.readOn()
	}
	p.reading = p.reading && p.got < enoughNow
	if p.reading {
		beforeWait()
		go p.ahead()
		p.wait()
	} else {
		close(p.idle)
	}
	return p
}

// room has place for the first bytes of a body. Each miss takes one for a moment, so they are used
// again.
type room [PeekSize]byte

var rooms = sync.Pool{New: func() any { return new(room) }}

// freeLocked gives back p's room, into which nobody reads any more.
func (p *Peeked) freeLocked() {
	if p.room != nil {
		rooms.Put((*room)(p.room))
	}
	p.room, p.given, p.got = nil, 0, 0
}

// waits is how many waits HeadWait consists of, so that a process that stood still for as long has
// lost only one of them.
const waits = 4

// wait waits for the first bytes.
func (p *Peeked) wait() {
	for range waits {
		select {
		case <-p.idle:
			return
		case <-time.After(HeadWait / waits):
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.enough = true
}

// Broken is the error that ends the body, if that is known already.
func (p *Peeked) Broken() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == io.EOF {
		return nil
	}
	return p.err
}

// Whole reports whether the body has come to its end.
func (p *Peeked) Whole() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err == io.EOF
}

// Quiet reports whether the next Read will wait.
func (p *Peeked) Quiet() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reading && p.given == p.got
}

// ahead reads into room.
func (p *Peeked) ahead() {
	defer close(p.idle)
	for p.readOn() {
	}
}

// readOn reads into room once, and reports whether that is to go on.
func (p *Peeked) readOn() bool {
	n, err := p.readRoom()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got += n
	p.err = err
	p.reading = err == nil && p.got < len(p.room) && !p.enough
	return p.reading
}

// readRoom is one Read of the body.
func (p *Peeked) readRoom() (n int, err error) {
	defer recovered("read the origin's body", &err)
	return p.body.Read(p.room[p.got:]) // got is changed by this goroutine only
}

// Read returns the bytes that have been read ahead, then those of the body.
func (p *Peeked) Read(b []byte) (int, error) {
	if p.Quiet() {
		<-p.idle
	}
	p.mu.Lock()
	n := copy(b, p.room[p.given:p.got])
	p.given += n
	drained, err := !p.reading && p.given == p.got, p.err
	if drained {
		p.freeLocked()
	}
	p.mu.Unlock()
	switch {
	case !drained || len(b) == 0:
		return n, nil
	case n == 0 && err == nil:
		return p.body.Read(b)
	}
	return n, err
}

// Close closes the body. What waits for more of it is given up.
func (p *Peeked) Close() error {
	p.mu.Lock()
	p.enough = true
	reading := p.reading
	p.mu.Unlock()
	if reading {
		p.cancel()
		select {
		case <-p.idle:
		case <-time.After(closeWait): // it doesn't heed cancel, so that only Close may wake it
		}
	}
	p.mu.Lock()
	if !p.reading {
		p.freeLocked()
	}
	p.mu.Unlock()
	err := p.body.Close()
	p.cancel()
	return err
}
