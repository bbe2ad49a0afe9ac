package wire

import (
	"cmp"
	"context"
	"fmt"
	"math"
)

// Call is one request and its response, as the server sees them. Its methods may be called
// concurrently, though replies and content go in the order of the calls. None may be called after
// Serve has returned, but for Context.
//
// Nothing that is given to Reply, Write, Respond, End or Abort may ever be changed afterwards: it
// is sent without being copied, at some time. All of them fail with ErrCancelled when the client
// has cancelled, with the connection's error when that has ended, and with ErrEnded after End,
// Respond or Abort.
type Call struct {
	l       *link
	message []byte

	// Guarded by the link's mutex:
	out     outbox
	allowed int   // how much the client has room for
	wrote   bool  // content
	err     error // why nothing more is to be sent
	over    error // why the context has ended
	ctx     context.Context
	end     context.CancelCauseFunc // of ctx, if there is one
}

// Message is the request's. It is the call's own and isn't changed.
func (c *Call) Message() []byte { return c.message }

// Context ends when the client cancels, when the connection ends, and when Serve returns.
func (c *Call) Context() context.Context {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.ctx == nil {
		// It has no parent that would have to keep account of all calls: whatever ends the call
		// ends it.
		c.ctx, c.end = context.WithCancelCause(context.Background())
		if c.over != nil {
			c.end(c.over)
		}
	}
	return c.ctx
}

// Reply sends a message, with a value unless that is nil. It returns as soon as the reply is
// queued, which takes as long as the client has no room left at all, or as too much is queued.
// Replies come before content: after Write, the error is ErrEnded.
func (c *Call) Reply(message, value []byte) error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	return c.replyLocked(message, value)
}

// Respond is Reply, then End without detail, in one go.
func (c *Call) Respond(message, value []byte) error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if err := c.replyLocked(message, value); err != nil {
		return err
	}
	return c.endLocked(kindEnd, nil)
}

func (c *Call) replyLocked(message, value []byte) error {
	if len(message) > maxMessage || len(value) >= math.MaxInt32 {
		return fmt.Errorf("reply of %d and %d bytes: %w", len(message), len(value), ErrTooLarge)
	}
	if c.wrote && c.err == nil {
		return ErrEnded
	}
	if err := c.waitLocked(); err != nil {
		return err
	}
	c.allowed -= len(message) + len(value) + replyCost
	i := item{kind: kindReply, data: message}
	if value != nil {
		i.number = len(value) + 1
	}
	c.l.sendLocked(&c.out, i)
	if len(value) > 0 {
		c.l.sendLocked(&c.out, item{kind: kindData, data: value})
	}
	return nil
}

// Write sends content. It returns when all of p is queued, or with how much of it was. It waits
// while as much is under way as the client has room for.
func (c *Call) Write(p []byte) (n int, err error) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	for {
		if len(p) == 0 {
			return n, c.err
		}
		if err := c.waitLocked(); err != nil {
			return n, err
		}
		k := min(len(p), c.allowed, c.l.cfg.Window-c.out.queued)
		c.allowed -= k
		c.wrote = true
		c.l.sendLocked(&c.out, item{kind: kindData, data: p[:k]})
		n += k
		p = p[k:]
	}
}

// waitLocked waits until something may be queued.
func (c *Call) waitLocked() error {
	for c.err == nil && (c.allowed <= 0 || c.out.queued >= c.l.cfg.Window ||
		len(c.out.items) >= maxItems) {
		c.out.room.Wait()
	}
	return c.err
}

// End completes the response. The detail goes with it; it may be nil, and has 64 KiB at most.
func (c *Call) End(detail []byte) error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	return c.endLocked(kindEnd, detail)
}

// Abort ends the response as incomplete, after what has been sent. The detail is as End's.
func (c *Call) Abort(detail []byte) error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	return c.endLocked(kindAbort, detail)
}

func (c *Call) endLocked(k kind, detail []byte) error {
	if len(detail) > maxDetail {
		return fmt.Errorf("detail of %d bytes: %w", len(detail), ErrTooLarge)
	}
	if c.err != nil {
		return c.err
	}
	c.err = ErrEnded
	if n := len(c.out.items); n > 0 && k == kindEnd && len(detail) == 0 {
		c.out.items[n-1].last = true
	} else {
		c.l.sendLocked(&c.out, item{kind: k, last: true, data: detail})
	}
	c.out.room.Broadcast()
	return nil
}

// loseLocked ends the call from outside: nothing more of it is sent.
func (c *Call) loseLocked(err error) {
	c.err, c.over = err, cmp.Or(c.over, err)
	c.out.drop()
	c.out.room.Broadcast()
	c.end(err)
}
