package wire

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// link is what both sides of a connection have in common: its reader, its writer, its heartbeat and
// its end.
//
// It has three goroutines, which end with it. One reads, and waits for nothing but the connection,
// so that a slow stream doesn't hold up the others; one writes; one sends heartbeats, and clears up
// when the link ends.
type link struct {
	cfg    Config
	conn   net.Conn
	src    source // belongs to the reading goroutine, but for its counters
	ending chan struct{}
	done   chan struct{}

	writer // whose mutex guards what follows, too, and fields of the sides
	pulse  pulse
	number uint64 // of the last stream
	left   bool   // the other side has announced that it would leave
	err    error  // what ends the link; set before ending is closed
}

// side is one side's part of a link.
type side interface {
	receive(h header) error // handles a frame, reading its payload
	heartbeatLocked(now time.Time) (dead bool)
	fail(err error) // ends all streams, and lets none begin
}

// start begins to read and to write. After so many silent heartbeats, the other side counts as
// dead.
func (l *link) start(s side, conn net.Conn, cfg Config, patience int) {
	l.cfg, l.conn = cfg, conn
	l.src = source{conn: conn, buf: make([]byte, sourceSize), ahead: sourceSize,
		counted: &cfg.Traffic.In}
	l.ending, l.done = make(chan struct{}), make(chan struct{})
	l.batch = newBatch(conn, &cfg.Traffic.Out)
	l.work.L, l.room.L = &l.mu, &l.mu
	now := time.Now()
	l.pulse = pulse{patience: patience, every: cfg.Heartbeat, last: now, when: now}
	var wg sync.WaitGroup
	wg.Go(func() { l.end(l.read(s)) })
	wg.Go(func() { l.end(l.run()) })
	go func() {
		l.heartbeats(s)
		l.clear(s)
		wg.Wait()
		close(l.done)
	}()
}

// end makes the link end with err, if it isn't ending already.
func (l *link) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLocked(err)
}

func (l *link) endLocked(err error) {
	if l.err != nil {
		return
	}
	switch {
	case errors.Is(err, ErrClosed) || errors.Is(err, ErrLost):
	case l.left:
		err = fmt.Errorf("%w: %w", ErrLeft, err)
	default:
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	l.err = err
	close(l.ending)
	l.closeLocked()
}

func (l *link) read(s side) error {
	for {
		h, err := l.src.header()
		if err != nil {
			return err
		}
		if err := s.receive(h); err != nil {
			return err
		}
	}
}

// misplaced is the error where a frame of that kind, or of that stream, mustn't come.
func misplaced(h header) error {
	return fmt.Errorf("%w: frame of kind %d and stream %d", ErrProtocol, h.kind, h.id)
}

// heartbeats gives the link's heartbeats until it ends.
func (l *link) heartbeats(s side) {
	t := time.NewTicker(l.cfg.Heartbeat)
	defer t.Stop()
	for {
		select {
		case <-l.ending:
			return
		case <-t.C:
		}
		l.mu.Lock()
		if s.heartbeatLocked(time.Now()) {
			l.endLocked(ErrSilent)
		}
		l.mu.Unlock()
	}
}

// clear closes the connection, calls Lost, and then fails the streams.
func (l *link) clear(s side) {
	conn := l.conn
	// TLS's close_notify could wait for seconds for a peer that doesn't read. It isn't needed: frames
	// have lengths, and streams have ends.
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	_ = conn.Close() // an error changes nothing
	if l.cfg.Lost != nil {
		l.cfg.Lost(l.err)
	}
	s.fail(l.err)
}

// Close ends the connection at once: its streams fail with ErrClosed, and the contexts of its calls
// end. It doesn't wait: Done is closed when all has ended.
func (l *link) Close() { l.end(ErrClosed) }

// Done is closed when the connection has ended: Lost has returned, its streams or calls have
// failed, its goroutines are gone but for those in Serve.
func (l *link) Done() <-chan struct{} { return l.done }

// LastHeard is about when something last came from the other side, no later than that and rarely
// more than a heartbeat earlier; before that, when the connection began.
func (l *link) LastHeard() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pulse.when
}
