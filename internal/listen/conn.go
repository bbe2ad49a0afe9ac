package listen

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection under net/http's. What it doesn't do by itself is the *net.TCPConn's, so
// that a file or a list of buffers takes the short way to it.
type conn struct {
	*net.TCPConn
	server    *Server
	writer    writer      // of the request at hand, since there is one at a time
	answering atomic.Bool // a handler has the request at hand

	mu       sync.Mutex // guards what follows
	scanner  scanner    // of what has been read
	answered int        // requests that a handler has got
	raw      bool       // no HTTP/1 follows
	since    time.Time  // the last response ended; zero if that was before the server drains
	ending   bool       // it is to end if nothing of a request has come
	closing  bool       // what comes now isn't read any more
}

// Read reads for net/http, which calls it once at a time.
func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.TCPConn.Read(p)
		if n > 0 {
			n, err = c.follow(p[:n], err)
		} else if errors.Is(err, os.ErrDeadlineExceeded) && c.goesOn() {
			continue
		}
		if n > 0 || err != nil {
			return n, err
		} // else there was nothing but an empty line
	}
}

// follow scans what has been read. Of p, which begins at the buffer's beginning, it leaves n bytes.
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

// goesOn reports whether a Read that has been woken for the connection's end is to be tried again,
// since something has come.
func (c *conn) goesOn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending && readable(c.TCPConn) && c.keepLocked()
}

// keepLocked undoes endIdle's work.
func (c *conn) keepLocked() bool {
	if !c.ending {
		return true
	}
	c.ending = false
	var deadline time.Time
	if limit := c.server.http.ReadHeaderTimeout; limit > 0 {
		deadline = time.Now().Add(limit)
	}
	return c.SetReadDeadline(deadline) == nil
}

// Write writes what net/http has buffered of a handler's response, or its own words if it refuses
// the request.
func (c *conn) Write(p []byte) (int, error) {
	if !c.answering.Load() {
		c.server.refuseAs(c, p)
	}
	return c.TCPConn.Write(p)
}

// begin returns why the request that a handler is about to get is to be refused, and whether its
// response is the last one.
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
	c.answering.Store(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server.draining.Load() {
		c.since = time.Now()
	}
}

// release makes the connection's bytes pass by unseen from now on: net/http has given it away.
func (c *conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = true
}

// NetConn is the connection beneath, for those who have to break it.
func (c *conn) NetConn() net.Conn { return c.TCPConn }

// linger is how long a client may take to stop sending and read the last response; net/http waits
// as long for that.
const (
	linger     = 500 * time.Millisecond
	lingerSize = 1 << 20
)

// Close ends the connection. If the client is in the middle of a request, its bytes are read for a
// moment: a system that gets bytes for a closed connection resets it, and the client may lose the
// last response (RFC 9112 section 9.6).
func (c *conn) Close() error {
	if c.beginClosing() && !c.server.cut.Load() {
		c.hearOut()
	}
	return c.TCPConn.Close()
}

// beginClosing has no more requests come, and reports whether the client is in the middle of one.
func (c *conn) beginClosing() (amid bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	amid = !c.raw && !c.closing && !c.scanner.clean(c.answered)
	c.closing = c.closing || !c.raw
	return amid
}

// hearOut ends the sending side, and waits for a moment for the client to end its own.
func (c *conn) hearOut() {
	if c.CloseWrite() == nil && c.SetReadDeadline(time.Now().Add(linger)) == nil {
		_, _ = io.CopyN(io.Discard, c.TCPConn, lingerSize)
	}
}

// endIdle ends the connection if it is idle, and has been since limit. It leaves that to the Read
// that waits for a request, which sees whether one has come.
func (c *conn) endIdle(limit time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idleLocked() && !c.closing && !c.since.After(limit) {
		c.ending = true
		// again and again, since net/http sets deadlines, too
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
