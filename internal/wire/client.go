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
	spare *block // belongs to the goroutine that reads the connection

	// Guarded by the link's mutex:
	streams   map[uint64]*Stream // those that haven't ended; nil at the end
	waiting   bool               // nothing has been heard since the last ping
	sincePing int                // heartbeats since the last ping
	closing   bool               // no stream may begin
}

// NewClient makes conn the client's side of a connection, which owns conn from then on. It must be
// closed, by Close or by CloseIdle, unless it ends by itself, which Lost and Done report.
func NewClient(conn net.Conn, cfg Config) *Client {
	cfg = cfg.filled()
	c := &Client{streams: map[uint64]*Stream{}, spare: new(block)}
	c.start(c, conn, cfg, cfg.MissedHeartbeats)
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
	if len(message) > maxMessage {
		return nil, fmt.Errorf("request of %d bytes: %w", len(message), ErrTooLarge)
	}
	if window <= 0 || window > c.cfg.Window {
		window = c.cfg.Window
	}
	s := &Stream{c: c, window: window, allowed: window}
	s.changed.L = &s.mu
	s.replies = s.first[:0]
	s.mu.Lock() // whatever ends s waits until it is complete
	defer s.mu.Unlock()
	if err := c.add(s, message); err != nil {
		return nil, err
	}
	if ctx.Done() != nil {
		s.stop = context.AfterFunc(ctx, func() { s.cancel(context.Cause(ctx)) })
	}
	return s, nil
}

func (c *Client) add(s *Stream, message []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.streams == nil:
		return c.err
	case c.closing:
		return ErrClosed
	}
	// While the connection is ending, streams may still begin: they fail with the others, after
	// Lost.
	c.number++
	s.out.init(c.number, &c.mu)
	c.streams[c.number] = s
	c.sendLocked(&s.out, item{kind: kindRequest, number: s.window, data: message})
	return nil
}

// forget removes s. If it hasn't ended, its request isn't sent any more, or is cancelled.
func (c *Client) forget(s *Stream, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.out.drop()
	if !ended && s.out.began {
		c.sendLocked(&s.out, item{kind: kindCancel})
	}
	delete(c.streams, s.out.id)
	c.endIfIdleLocked()
}

// grant allows the other side to send n more bytes of s. What waits to be sent is one credit, as a
// side may send without reading any.
func (c *Client) grant(s *Stream, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := len(s.out.items) - 1; k >= 0 && s.out.items[k].kind == kindCredit {
		s.out.items[k].number += n
	} else {
		c.sendLocked(&s.out, item{kind: kindCredit, number: n})
	}
}

// CloseIdle lets no stream begin any more, and closes the connection when the last one has ended.
func (c *Client) CloseIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	c.endIfIdleLocked()
}

func (c *Client) endIfIdleLocked() {
	if c.closing && len(c.streams) == 0 {
		c.endLocked(ErrClosed)
	}
}

func (c *Client) receive(h header) error {
	switch h.kind {
	case kindPong:
		return nil
	case kindLeave:
		c.mu.Lock()
		c.left = true
		c.mu.Unlock()
		if c.cfg.Leaving != nil {
			c.cfg.Leaving()
		}
		return nil
	}
	c.mu.Lock()
	s, known := c.streams[h.id], h.id > 0 && h.id <= c.number
	c.mu.Unlock()
	switch {
	case !known || !kinds[h.kind].ends: // of streams' frames, it gets those that may end one
		return misplaced(h)
	case s == nil: // it was cancelled, and its frames may have been under way
		return c.src.skip(h.size)
	}
	return s.receive(h)
}

func (c *Client) heartbeatLocked(now time.Time) (dead bool) {
	dead = c.pulse.tick(now, c.src.in.Load(), c.waiting)
	c.waiting = c.waiting && c.pulse.silent > 0
	if c.sincePing++; len(c.streams) > 0 || c.sincePing >= idleHeartbeats {
		c.sincePing, c.waiting = 0, true
		c.signLocked(kindPing)
	}
	return dead
}

func (c *Client) fail(err error) {
	c.mu.Lock()
	streams := c.streams
	c.streams = nil
	c.mu.Unlock()
	for _, s := range streams {
		s.mu.Lock()
		s.finishLocked(err, nil)
		s.mu.Unlock()
	}
}
