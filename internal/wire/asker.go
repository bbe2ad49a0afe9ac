package wire

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Asker is the asking side of a connection. Its methods may be called concurrently.
type Asker struct {
	link

	// Guarded by the link's mutex:
	streams map[uint64]*Stream // those that haven't ended
	number  uint64             // of the last stream
	pings   uint64
	waiting bool // nothing has been heard since the last ping
	quiet   int  // beats since the last ping
	closing bool // no stream may begin
}

// Ask makes conn the asking side of a connection, which owns conn from then on. It must be closed, by Close or by
// CloseIdle, unless it ends by itself; Lost and Done tell.
func Ask(conn net.Conn, cfg Config) *Asker {
	cfg = cfg.filled()
	a := &Asker{streams: map[uint64]*Stream{}}
	a.init(conn, cfg, cfg.Beats)
	a.start(a)
	return a
}

// Open sends an ask. It doesn't wait for anything. The message must not be changed afterwards. When ctx ends, the
// stream is cancelled with ctx's cause. The Stream must be closed, or read to its end. As many bytes of the answer as window
// may be under way, or as Config.Window if that is less, or window 0.
func (a *Asker) Open(ctx context.Context, message []byte, window int) (*Stream, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if len(message) > a.cfg.MaxMessage {
		return nil, fmt.Errorf("ask of %d bytes: %w", len(message), ErrTooLarge)
	}
	if window <= 0 || window > a.cfg.Window {
		window = a.cfg.Window
	}
	s := newStream(a, window)
	if err := a.add(s, message); err != nil {
		return nil, err
	}
	if ctx.Done() != nil {
		s.watch(ctx)
	}
	return s, nil
}

func (a *Asker) add(s *Stream, message []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.over != nil:
		return a.over
	case a.closing:
		return ErrClosed
	}
	// While the connection is ending, streams may still begin: they fail with the others, not before Lost knows.
	a.number++
	s.out.init(a.number, &a.mu)
	s.asked = a.pulse.clock
	a.streams[a.number] = s
	s.out.push(item{kind: kindAsk, word: uint32(s.window), a: message})
	a.w.enlistLocked(&s.out)
	return nil
}

// forget takes note that s has ended.
func (a *Asker) forget(s *Stream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgetLocked(s)
}

// withdraw tells the other side that s's answer isn't wanted any more, if it knows of the ask.
func (a *Asker) withdraw(s *Stream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams[s.out.id] == nil {
		return // it has just ended
	}
	s.out.drop()
	s.out.remove()
	if s.out.spoken {
		s.out.cancel = true
		a.w.enlistLocked(&s.out)
	}
	a.forgetLocked(s)
}

func (a *Asker) forgetLocked(s *Stream) {
	delete(a.streams, s.out.id)
	if a.closing && len(a.streams) == 0 {
		a.endLocked(ErrClosed)
	}
}

// grant allows the other side to send n more bytes of s.
func (a *Asker) grant(s *Stream, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams[s.out.id] != nil {
		s.out.credit += n
		a.w.enlistLocked(&s.out)
	}
}

// Close ends the connection at once. Its streams fail with ErrClosed. Close doesn't wait: Done tells when all has ended.
func (a *Asker) Close() error {
	a.end(ErrClosed)
	return nil
}

// CloseIdle lets no stream begin any more, and closes the connection when the last one has ended.
func (a *Asker) CloseIdle() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closing = true
	if len(a.streams) == 0 {
		a.endLocked(ErrClosed)
	}
}

// Done is closed when the connection has ended: Lost has returned, the streams have failed, the goroutines are gone.
func (a *Asker) Done() <-chan struct{} { return a.done }

// Err is what ended the connection, nil as long as Done isn't closed.
func (a *Asker) Err() error { return a.failed() }

// LastHeard is when anything last came from the other side; before that, when the connection began.
func (a *Asker) LastHeard() time.Time { return a.src.lastHeard() }

// Traffic counts the bytes that were read and written.
func (a *Asker) Traffic() (in, out int64) { return a.traffic() }

// Streams is how many streams haven't ended.
func (a *Asker) Streams() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.streams)
}

func (a *Asker) receive(h header) error {
	switch h.kind {
	case kindPong:
		return nil
	case kindLeave:
		a.leave()
		return nil
	case kindAsk, kindPing, kindCancel, kindCredit:
		return fmt.Errorf("%w: frame of kind %d to the asking side", ErrProtocol, h.kind)
	}
	s, err := a.find(h)
	if err != nil {
		return err
	}
	if s == nil {
		return a.src.skip(h.size)
	}
	return s.receive(h)
}

// find returns the stream of a frame; nil if it was cancelled, which the other side may not have known.
func (a *Asker) find(h header) (*Stream, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h.id == 0 || h.id > a.number {
		return nil, fmt.Errorf("%w: frame of stream %d, where %d is the last", ErrProtocol, h.id, a.number)
	}
	s := a.streams[h.id]
	if s != nil {
		s.acked = true
	}
	return s, nil
}

func (a *Asker) leave() {
	a.mu.Lock()
	first := !a.left
	a.left = true
	a.mu.Unlock()
	if first && a.cfg.Leaving != nil {
		a.cfg.Leaving()
	}
}

func (a *Asker) beatLocked(now time.Time) (dead bool) {
	if a.pulse.tick(now, a.src.heard.Load(), a.waiting) {
		a.waiting = false
	}
	if a.pulse.dead() || a.ignoredLocked() {
		return true
	}
	if a.quiet++; len(a.streams) > 0 || a.quiet >= idleBeats {
		a.quiet, a.waiting = 0, true
		a.pings++
		a.w.ping = a.pings
		a.w.wakeLocked()
	}
	return false
}

// ignoredLocked tells whether an ask has waited too long for a sign that it has come, from a side that gives others.
func (a *Asker) ignoredLocked() bool {
	for _, s := range a.streams {
		if !s.acked && a.pulse.overdue(s.asked) {
			return true
		}
	}
	return false
}

func (a *Asker) fail(err error) {
	a.mu.Lock()
	a.over = err
	streams := a.streams
	a.streams = nil
	a.mu.Unlock()
	for _, s := range streams {
		s.finish(err, nil)
	}
}
