package origin

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"time"
)

// guardedConn is a connection whose next response never begins with bytes that came before the next
// request was written (RFC 9112 section 6.3). net/http gives a kept connection to the next request
// before it has looked at what is left after the last response, and would take that for the next
// response. So the next request claims the connection first: it waits until net/http's reader reads
// again and finds nothing.
//
//	busy ── a response has ended ──► ended ── net/http reads again ──► idle
//	  ▲                                                                 │
//	  └────────────────────── a request is written ─────────────────────┘
//
// In each phase but busy, bytes that come are unsolicited. They aren't passed on but end the
// connection, and the trust gets the URLs whose responses may have been mixed up. If such bytes
// were read together with the end of a response, net/http closes the connection without another
// Read.
//
// HTTP/2 numbers its requests, so it needs no guard.
type guardedConn struct {
	net.Conn // the wire, or TLS over it
	wire     *wire
	trust    *trust        // in the server
	gone     chan struct{} // closed by Close
	once     sync.Once

	mu    sync.Mutex // guards what follows
	phase phase
	since time.Time // when the last response ended
	ahead bool      // of the next response, nothing has come yet
	next  string    // the URL of the request that has claimed the connection
	heads bool      // the next bytes begin a response
	came  int64     // bytes of the last response's content that came with its head

	// The URLs of the requests that the connection has carried after its first, and their bytes.
	// The first response can't be another's.
	urls     []string
	urlBytes int
}

// A connection is given up after so many requests, or so many bytes of their URLs.
const (
	maxHistory      = 500
	maxHistoryBytes = 32 << 10
)

// phase is the state of a guardedConn.
type phase int

const (
	busy phase = iota
	ended
	idle
)

// errUnsolicited is the error of a connection that can't be used any more. If net/http hasn't
// written anything of a request, it takes another connection.
var errUnsolicited = errors.New("the server sent something that no request had asked for")

// guard returns conn, which is under or TLS over it, as a guardedConn if under is a wire.
func guard(conn, under net.Conn, t *trust) net.Conn {
	w, ok := under.(*wire)
	if !ok {
		return conn
	}
	return &guardedConn{Conn: conn, wire: w, trust: t, gone: make(chan struct{}), heads: true}
}

// Read is net.Conn's.
func (c *guardedConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if c.phase == ended {
		c.phase = idle
	}
	c.mu.Unlock()
	for len(p) > 0 {
		n, err := c.Conn.Read(p)
		if n > 0 {
			n, err = c.received(p[:n], err)
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}

// received returns how much of b, which was read, is passed on to net/http. Line ends before a
// response aren't: some servers send an extra one after a content, and it may come when the next
// request has been sent.
func (c *guardedConn) received(b []byte, err error) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != busy {
		if len(bytes.Trim(b, "\r\n")) > 0 && !timedOut(b) {
			c.suspectLocked()
		}
		return 0, errUnsolicited
	}
	n := len(b)
	if c.ahead {
		rest := bytes.TrimLeft(b, "\r\n")
		c.ahead = len(rest) == 0
		n = copy(b, rest)
	}
	if c.heads && n > 0 {
		c.heads, c.came = false, behindHead(b[:n])
	}
	return n, err
}

// behindHead is how many bytes of a response's content are in b, which begins the response, as far
// as that is certain: none if b begins an interim response, or a head with bare line feeds.
func behindHead(b []byte) int64 {
	head, content, whole := bytes.Cut(b, []byte("\r\n\r\n"))
	_, status, _ := bytes.Cut(head, []byte(" "))
	if !whole || bytes.HasPrefix(status, []byte("1")) {
		return 0
	}
	return int64(len(content))
}

// cameWithHead is how many bytes of a response's content certainly came together with its head.
func (c *guardedConn) cameWithHead() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.came
}

// timedOut reports whether b begins a 408, which some servers send when they close an idle
// connection (RFC 9110 section 15.5.9).
func timedOut(b []byte) bool {
	return bytes.HasPrefix(b, []byte("HTTP/1.1 408")) || bytes.HasPrefix(b, []byte("HTTP/1.0 408"))
}

// Write is net.Conn's.
func (c *guardedConn) Write(p []byte) (int, error) {
	if !c.writable() {
		return 0, errUnsolicited
	}
	return c.Conn.Write(p)
}

// writable checks a last time that nothing has come, if the write begins a request.
func (c *guardedConn) writable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != busy && c.wire.quiet() {
		c.urls = append(c.urls, c.next)
		c.urlBytes += len(c.next)
		c.phase, c.ahead = busy, true
		c.heads, c.came = true, 0
	}
	return c.phase == busy
}

// Close is net.Conn's. If net/http closes the connection because its reader has bytes left that
// belong to no response, net/http hasn't read again since the last response.
func (c *guardedConn) Close() error {
	c.mu.Lock()
	if c.phase == ended && !c.trust.closesIdle(c.since) {
		c.suspectLocked()
	}
	c.mu.Unlock()
	c.once.Do(func() { close(c.gone) })
	return c.Conn.Close()
}

// suspectLocked reports that responses over c may have been mixed up.
func (c *guardedConn) suspectLocked() {
	c.trust.suspect(c.urls)
	c.urls = nil
}
