package listen

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/admission"
)

// conn is a client's connection, on which net/http serves. It embeds the *net.TCPConn, so that
// files and lists of buffers are sent without copies.
type conn struct {
	*net.TCPConn
	server    *shared
	client    admission.Client // who has opened it, if that matters
	limited   bool             // it does: its client may have so many
	closed    func()           // is called once it is closed, if it is limited
	writer    writer           // of the current request; there is one at a time
	answering atomic.Bool      // a handler, or the lane, has the current request
	remote    string           // the client's address, once it has been asked for
	pending   pending          // what has been read before net/http got the connection
	direct    direct           // is held while the lane may answer
	base      context.Context  // of the requests that net/http hasn't read, once there is one
	watched   watch            // of the current request

	// When the lane has put off the deadlines last, counted from epoch; 0 if net/http has set them
	// since.
	renewed time.Duration
	reading readDeadline

	mu       sync.Mutex // guards what follows
	scanner  scanner    // of what has been read
	answered int        // requests that a handler has got
	raw      bool       // the connection was hijacked, so no HTTP/1 follows
	since    time.Time  // the last response ended; zero if that is of no interest yet
	ending   bool       // Read ends the connection if no bytes of a request have come
	closing  bool       // nothing more is read
}

// Read implements net.Conn for net/http, which has one call at a time.
func (c *conn) Read(p []byte) (int, error) {
	for c.renewed = 0; ; {
		if n := c.pending.take(p); n > 0 {
			return n, nil
		}
		if c.begins() {
			if err := c.readOn(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := c.TCPConn.Read(p)
		if n > 0 {
			n, err = c.follow(p[:n], err)
		} else if errors.Is(err, os.ErrDeadlineExceeded) && c.goesOn() {
			continue
		}
		if n > 0 || err != nil {
			return n, err
		} // else there were only empty lines
	}
}

// follow scans p, which has been read. It removes empty lines from p, and returns how many bytes
// are left.
func (c *conn) follow(p []byte, err error) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing:
		return 0, net.ErrClosed
	case c.raw:
		return len(p), err
	}
	n := len(c.scanner.scan(p))
	if n > 0 {
		c.keepLocked()
	}
	return n, err
}

// goesOn reports whether to repeat a Read of which the deadline has come, or that endIdle has
// interrupted, since bytes have come.
func (c *conn) goesOn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.raw || !readable(c.TCPConn):
		return false
	case c.ending:
		return c.keepLocked()
	}
	return c.prolong()
}

// keepLocked restores the read deadline that endIdle has replaced.
func (c *conn) keepLocked() bool {
	if !c.ending {
		return true
	}
	c.ending = false
	return c.restoreReadDeadline() == nil
}

// Write implements net.Conn for net/http, which writes a handler's response, or refuses a request
// by itself.
func (c *conn) Write(p []byte) (int, error) {
	if !c.answering.Load() {
		c.server.refuseAs(c.RemoteAddr(), p)
	}
	n, err := c.TCPConn.Write(p)
	for sent := n; c.progressed(int64(sent), err) && c.putOff() == nil; n += sent {
		sent, err = c.TCPConn.Write(p[n:])
	}
	return n, err
}

// begin notes that a request goes to a handler. It returns why the request must be refused, or "",
// and whether its response is the last one.
func (c *conn) begin() (refuse string, last bool) {
	c.answering.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered++
	switch odd := &c.scanner.odd; {
	case odd.number == c.answered:
		return odd.refuse, true
	case c.scanner.heads < c.answered:
		return "a body whose end is unclear", true
	}
	return "", false
}

// rest notes that a response has ended.
func (c *conn) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answering.Store(false)
	if c.server.draining.Load() || c.server.MaxConns > 0 || c.limited {
		c.since = time.Now()
	}
}

// release ends the scanning of the connection, which has been hijacked.
func (c *conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = true
}

// NetConn returns the underlying connection, so that a handler can abort it.
func (c *conn) NetConn() net.Conn { return c.TCPConn }

// linger is how long Close waits for a client to stop sending and to read the last response, and
// lingerSize how many bytes it reads meanwhile. net/http waits as long.
const (
	linger     = 500 * time.Millisecond
	lingerSize = 1 << 20
)

// Close ends the connection. If the client is in the middle of a request, or a response has just
// been sent, Close reads on for a moment: bytes that arrive for a closed connection make the system
// reset it, and the client may lose the last response (RFC 9112 section 9.6).
func (c *conn) Close() error {
	if c.beginClosing() && !c.server.cut.Load() {
		c.hearOut()
	}
	err := c.TCPConn.Close()
	if c.limited {
		c.closed()
	}
	return err
}

// beginClosing stops reading, and reports whether a request or a response may still be under way.
func (c *conn) beginClosing() (amid bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	amid = !c.raw && !c.closing && !c.idleLocked()
	c.closing = c.closing || !c.raw
	return amid
}

// hearOut closes the sending side, and reads for a moment until the client closes its own.
func (c *conn) hearOut() {
	if c.CloseWrite() == nil && c.SetReadDeadline(time.Now().Add(linger)) == nil {
		_, _ = io.CopyN(io.Discard, c.TCPConn, lingerSize)
	}
}

// endIdle ends the connection if it has been idle since limit. It interrupts the Read that waits
// for a request; Read sees whether one has come in the meantime.
func (c *conn) endIdle(limit time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idleLocked() && !c.closing && !c.since.After(limit) {
		c.ending = true
		// set at each call, since net/http sets deadlines as well
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
}

// idleLocked reports whether nothing of a request has come since the last response.
func (c *conn) idleLocked() bool { return !c.answering.Load() && c.scanner.clean(c.answered) }

// busy reports whether a request would be cut if the connection were closed now.
func (c *conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.idleLocked() && !c.closing
}

// idleSince is since when c has been idle, if it is. What is ending counts: it is about to go.
func (c *conn) idleSince() (since time.Time, idle bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since, c.idleLocked() && !c.closing && !c.raw
}
