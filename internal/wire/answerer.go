package wire

import (
	"fmt"
	"math"
	"net"
	"runtime/debug"
	"sync"
	"time"
)

// maxRefusals is how many refusals may be waiting to be sent before no more asks are read: who asks without reading what
// he gets must not fill this side's memory.
const maxRefusals = 1 << 14

// Answerer is the answering side of a connection. Its methods may be called concurrently.
type Answerer struct {
	link
	serving sync.WaitGroup

	// Guarded by the link's mutex:
	calls   map[uint64]*Call // those whose answers haven't been sent to the end
	number  uint64           // of the last ask
	busy    int              // asks that have a place: they are coming, or being served
	leaving bool
}

// Answer makes conn the answering side of a connection, which owns conn from then on. It must be closed, unless it ends
// by itself; Lost and Done tell.
func Answer(conn net.Conn, cfg Config) *Answerer {
	cfg = cfg.filled()
	a := &Answerer{calls: map[uint64]*Call{}}
	// An asker without streams is silent for idleBeats by design.
	a.init(conn, cfg, idleBeats+cfg.Beats)
	a.w.ended = func(id uint64) { delete(a.calls, id) }
	a.start(a)
	return a
}

// Leave tells the asking side that this one is about to leave, so that it may ask elsewhere. Calls go on being served,
// new ones too, until the connection is closed. Leave returns when that has been sent, or the connection ends, so that a
// Close right after it doesn't overtake it.
func (a *Answerer) Leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.leaving {
		a.leaving, a.w.leave = true, true
		a.w.wakeLocked()
	}
	for !a.w.told && !a.w.closed {
		a.w.room.Wait()
	}
}

// LastHeard is when the last bytes came.
func (a *Answerer) LastHeard() time.Time { return a.src.lastHeard() }

// Calls is how many asks haven't been answered to the end, what is being written counting as one.
func (a *Answerer) Calls() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.w.writing {
		return len(a.calls) + 1
	}
	return len(a.calls)
}

// Close ends the connection at once, and the contexts of its calls. It doesn't wait: Done tells when the connection's
// goroutines are gone, and Wait waits for the calls.
func (a *Answerer) Close() error {
	a.end(ErrClosed)
	return nil
}

// Done is closed when the connection has ended: Lost has returned, the calls know, the goroutines are gone but for those
// in Serve.
func (a *Answerer) Done() <-chan struct{} { return a.done }

// Err is what ended the connection, nil as long as Done isn't closed.
func (a *Answerer) Err() error { return a.failed() }

// Traffic counts the bytes that were read and written.
func (a *Answerer) Traffic() (in, out int64) { return a.traffic() }

// Wait waits until the connection has ended and every Serve has returned.
func (a *Answerer) Wait() {
	<-a.done
	a.serving.Wait()
}

func (a *Answerer) receive(h header) error {
	switch h.kind {
	case kindPing:
		a.pong(h.id)
		return nil
	case kindAsk:
		return a.ask(h)
	case kindMore, kindCancel, kindCredit:
	default:
		return fmt.Errorf("%w: frame of kind %d to the answering side", ErrProtocol, h.kind)
	}
	c, err := a.find(h)
	switch {
	case err != nil:
		return err
	case c == nil:
		return a.src.skip(h.size)
	case h.kind == kindMore:
		return a.more(c, h.size)
	case h.kind == kindCancel:
		a.cancel(c)
		return nil
	}
	n, err := a.src.word()
	if err == nil && n > math.MaxInt32 {
		err = fmt.Errorf("%w: credit of %d", ErrProtocol, n)
	}
	if err == nil {
		c.credited(int(n))
	}
	return err
}

// pong answers a ping. With it goes the word that the asks before it have come, unless their answers have told so: an
// answer that is at hand is the best acknowledgement, and costs no write of its own.
func (a *Answerer) pong(id uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.calls {
		if !c.out.spoken {
			c.out.ack = true
			a.w.enlistLocked(&c.out)
		}
	}
	a.w.pong, a.w.pinged = id, true
	a.w.wakeLocked()
}

// find returns the call of a frame; nil if it is over.
func (a *Answerer) find(h header) (*Call, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h.last || h.id == 0 || h.id > a.number {
		return nil, fmt.Errorf("%w: frame of call %d, where %d is the last", ErrProtocol, h.id, a.number)
	}
	return a.calls[h.id], nil
}

// ask takes a new ask.
func (a *Answerer) ask(h header) error {
	size, window, err := a.src.words()
	if err != nil {
		return err
	}
	if window == 0 || window > math.MaxInt32 {
		return fmt.Errorf("%w: ask with a window of %d", ErrProtocol, window)
	}
	c := newCall(a, h.id, int(window))
	if ok, err := a.admit(c, size); !ok {
		if err == nil {
			err = a.src.skip(h.size - leadSize)
		}
		return err
	}
	c.in.begin(int(size), -1)
	return a.more(c, h.size-leadSize)
}

// admit gives c a place, or refuses it.
func (a *Answerer) admit(c *Call, size uint32) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.out.id <= a.number {
		return false, fmt.Errorf("%w: ask %d after ask %d", ErrProtocol, c.out.id, a.number)
	}
	a.number = c.out.id
	switch {
	case int64(size) > int64(a.cfg.MaxMessage):
		a.refuseLocked(c, refuseTooLarge)
	case a.busy >= a.cfg.MaxAsks:
		a.refuseLocked(c, refuseOverloaded)
	case a.over == nil: // else c is of no interest any more
		a.busy++
		a.calls[c.out.id] = c
		return true, nil
	}
	return false, nil
}

func (a *Answerer) refuseLocked(c *Call, why byte) {
	for a.w.urgent.n >= maxRefusals && !a.w.closed {
		a.w.room.Wait()
	}
	c.out.push(item{kind: kindRefuse, a: []byte{why}})
	a.w.enlistLocked(&c.out)
}

// more takes the next n bytes of an ask, which is served when it is complete.
func (a *Answerer) more(c *Call, n int) error {
	if !c.in.begun {
		return fmt.Errorf("%w: more of a complete ask", ErrProtocol)
	}
	if err := c.in.read(&a.src, n); err != nil || !c.in.complete() {
		return err
	}
	c.message = c.in.message
	c.in = assembly{}
	a.mu.Lock()
	c.served = true
	a.mu.Unlock()
	a.serving.Add(1)
	go a.serve(c)
	return nil
}

func (a *Answerer) serve(c *Call) {
	defer a.serving.Done()
	defer c.release()
	defer func() {
		if v := recover(); v != nil && a.cfg.Panicked != nil {
			a.cfg.Panicked(v, debug.Stack())
		}
	}()
	a.cfg.Serve(c)
}

// cancel ends a call that its asker has given up.
func (a *Answerer) cancel(c *Call) {
	a.mu.Lock()
	delete(a.calls, c.out.id)
	if !c.served {
		a.busy--
	}
	a.mu.Unlock()
	c.lose(ErrCancelled)
}

func (a *Answerer) beatLocked(now time.Time) (dead bool) {
	a.pulse.tick(now, a.src.heard.Load(), true)
	return a.pulse.dead()
}

func (a *Answerer) fail(err error) {
	a.mu.Lock()
	a.over = err
	calls := a.calls
	a.calls = map[uint64]*Call{}
	a.mu.Unlock()
	for _, c := range calls {
		c.lose(err)
	}
}
