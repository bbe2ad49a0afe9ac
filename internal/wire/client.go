package wire

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Client is the side of a connection that sends requests. Its methods may be called concurrently.
type Client struct {
	link
	onLeaving func() // Config.Leaving

	// Guarded by the link's mutex:
	streams   map[uint64]*Stream // those that haven't ended
	number    uint64             // of the last stream
	pings     uint64
	waiting   bool // nothing has been heard since the last ping
	sincePing int  // heartbeats since the last ping
	closing   bool // no stream may begin
}

// NewClient makes conn the client's side of a connection, which owns conn from then on. It must be
// closed, by Close or by CloseIdle, unless it ends by itself, which Lost and Done report.
func NewClient(conn net.Conn, cfg Config) *Client {
	cfg = cfg.filled()
	c := &Client{onLeaving: cfg.Leaving, streams: map[uint64]*Stream{}}
	c.init(conn, cfg.terms(cfg.MissedHeartbeats))
	c.start(c)
	return c
}

// Open sends a request. It doesn't wait for anything. The message must not be changed afterwards.
// When ctx ends, the stream is cancelled with ctx's cause. The Stream must be closed, or read to
// its end. As many bytes of the response as window may be under way, or as Config.Window if that is
// less, or window 0.
func (c *Client) Open(ctx context.Context, message []byte, window int) (*Stream, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if len(message) > c.maxMessage {
		return nil, fmt.Errorf("request of %d bytes: %w", len(message), ErrTooLarge)
	}
	if window <= 0 || window > c.window {
		window = c.window
	}
	s := newStream(c, window)
	if err := c.add(s, message); err != nil {
		return nil, err
	}
	if ctx.Done() != nil {
		s.cancelWith(ctx)
	}
	return s, nil
}

func (c *Client) add(s *Stream, message []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.failure != nil:
		return c.failure
	case c.closing:
		return ErrClosed
	}
	// While the connection is ending, streams may still begin: they fail with the others, after
	// Lost.
	c.number++
	s.out.init(c.number, &c.mu)
	s.opened = c.pulse.clock
	c.streams[c.number] = s
	s.out.push(item{kind: kindRequest, word: uint32(s.window), a: message})
	c.w.enlistLocked(&s.out)
	return nil
}

// forget removes s, which has ended.
func (c *Client) forget(s *Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetLocked(s)
}

// withdraw removes s, and cancels its request if it may have reached the other side.
func (c *Client) withdraw(s *Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams[s.out.id] == nil {
		return // it has just ended
	}
	s.out.drop()
	s.out.remove()
	if s.out.acked {
		s.out.cancel = true
		c.w.enlistLocked(&s.out)
	}
	c.forgetLocked(s)
}

func (c *Client) forgetLocked(s *Stream) {
	delete(c.streams, s.out.id)
	if c.closing && len(c.streams) == 0 {
		c.endLocked(ErrClosed)
	}
}

// grant allows the other side to send n more bytes of s.
func (c *Client) grant(s *Stream, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams[s.out.id] != nil {
		s.out.credit += n
		c.w.enlistLocked(&s.out)
	}
}

// CloseIdle lets no stream begin any more, and closes the connection when the last one has ended.
func (c *Client) CloseIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	if len(c.streams) == 0 {
		c.endLocked(ErrClosed)
	}
}

func (c *Client) receive(h header) error {
	switch h.kind {
	case kindPong:
		return nil
	case kindLeave:
		c.leave()
		return nil
	case kindRequest, kindPing, kindCancel, kindCredit:
		return fmt.Errorf("%w: frame of kind %d to the client", ErrProtocol, h.kind)
	}
	s, err := c.find(h)
	if err != nil {
		return err
	}
	if s == nil {
		return c.src.skip(h.size)
	}
	return s.receive(h)
}

// find returns the stream of a frame, or nil if it was cancelled: its frames may have been under
// way.
func (c *Client) find(h header) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.id == 0 || h.id > c.number {
		return nil, fmt.Errorf("%w: frame of stream %d, where %d is the last",
			ErrProtocol, h.id, c.number)
	}
	s := c.streams[h.id]
	if s != nil {
		s.acked = true
	}
	return s, nil
}

func (c *Client) leave() {
	c.mu.Lock()
	first := !c.left
	c.left = true
	c.mu.Unlock()
	if first && c.onLeaving != nil {
		c.onLeaving()
	}
}

func (c *Client) heartbeatLocked(now time.Time) (dead bool) {
	if c.pulse.tick(now, c.src.heard.Load(), c.waiting) {
		c.waiting = false
	}
	if c.pulse.dead() || c.ignoredLocked() {
		return true
	}
	if c.sincePing++; len(c.streams) > 0 || c.sincePing >= idleHeartbeats {
		c.sincePing, c.waiting = 0, true
		c.pings++
		c.w.ping = c.pings
		c.w.wakeLocked()
	}
	return false
}

// ignoredLocked reports whether a request has waited too long for a sign that it has come, from a
// side that gives others.
func (c *Client) ignoredLocked() bool {
	for _, s := range c.streams {
		if !s.acked && c.pulse.overdue(s.opened) {
			return true
		}
	}
	return false
}

func (c *Client) fail(err error) {
	c.mu.Lock()
	c.failure = err
	streams := c.streams
	c.streams = nil
	c.mu.Unlock()
	for _, s := range streams {
		s.finish(err, nil)
	}
}
