package origin

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// guardedConn is a connection whose next response never begins with bytes that came before the next
// request was written (RFC 9112 section 6.3). net/http gives a kept connection to the next request
// before it has looked at what is left after the last response, and would take that for the next
// response. So the next request claims the connection first: it waits until net/http's reader has
// found nothing to read. Bytes that come between the claim and the write of the request aren't
// passed on.
//
//	busy ── a response has ended ──► idle ── claim ──► claimed ── the request is written ──► busy
//
// In each of these phases the connection may become dead: it is closed or about to be closed.
//
// When unsolicited bytes have come, the trust gets the URLs whose responses may have been mixed up.
// If such bytes were read together with the end of a response, net/http closes the connection
// without another Read.
//
// With TLS, a guardedConn is below it and a secureConn above; they share their state. HTTP/2
// numbers its requests, so it needs no guard and stays busy.
//
// One goroutine at a time reads, as net/http and crypto/tls do.
type guardedConn struct {
	net.Conn
	raw    syscall.RawConn
	trust  *trust // in the server
	secure bool   // it carries TLS
	// reports whether the transport may be closing a connection that has been idle since then
	closesIdle func(since time.Time) bool
	moved      chan struct{} // has room for one: what claim waits for has changed
	gone       chan struct{} // closed by Close
	once       sync.Once

	into []byte // what Read and tryRead share, to the next err
	n    int
	err  error
	try  func(fd uintptr) bool // tryRead

	mu      sync.Mutex // guards what follows
	phase   phase
	waiting bool       // the reader has found nothing to read, and has read nothing since
	idling  bool       // a response has ended, and no request has been written since
	since   time.Time  // when that was
	looked  bool       // the reader has come to look for more since then
	ahead   bool       // of the next response, nothing has come yet
	records tlsRecords // what has been read of them
	next    string     // the URL of the request that has claimed the connection
	sent    history
}

// phase is the state of a guardedConn.
type phase int

const (
	busy phase = iota
	idle
	claimed
	dead
)

// errUnsolicited is the error of a connection that can't be used any more. If net/http hasn't
// written anything of a request, it takes another connection.
var errUnsolicited = errors.New("the server sent something that no request had asked for")

// guard puts a guardedConn around conn, if this system can show what has come over conn.
func guard(conn net.Conn, secure bool, t *trust, closesIdle func(time.Time) bool) net.Conn {
	sc, ok := conn.(syscall.Conn)
	if !ok || !canPeek {
		return conn
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return conn
	}
	c := &guardedConn{
		Conn: conn, raw: raw, trust: t, secure: secure, closesIdle: closesIdle,
		moved: make(chan struct{}, 1), gone: make(chan struct{}),
	}
	c.try = c.tryRead
	return c
}

// Write is net.Conn's.
func (c *guardedConn) Write(p []byte) (int, error) {
	if err := c.beforeWrite(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// beforeWrite checks a last time that nothing has come, if the write begins a request.
func (c *guardedConn) beforeWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.phase {
	case dead:
		return net.ErrClosed
	case claimed:
		if b, quiet := c.quietLocked(); !quiet {
			if len(b) > 0 && !c.secure {
				c.refuseLocked(b)
			}
			c.phase = dead
			return errUnsolicited
		}
		c.sent.add(c.next)
		c.phase, c.ahead, c.idling = busy, true, false
	}
	return nil
}

// quietLocked reports whether all that has come has been read: net/http's reader waits, and TLS is
// at the end of a record. If the kernel has more bytes, b is the first of them.
func (c *guardedConn) quietLocked() (b []byte, quiet bool) {
	if !c.waiting || c.records.within() {
		return nil, false
	}
	return peek(c.raw)
}

// Close is net.Conn's.
func (c *guardedConn) Close() error {
	if !c.secure {
		c.judge()
	}
	c.mu.Lock()
	c.phase = dead
	c.signal()
	c.mu.Unlock()
	c.once.Do(func() { close(c.gone) })
	return c.Conn.Close()
}

// judge reports to the trust if net/http is closing the connection because its reader has bytes
// left that belong to no response: net/http doesn't read again in that case.
func (c *guardedConn) judge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idling && !c.looked && !c.closesIdle(c.since) {
		c.trust.suspect(c.sent.take())
		c.phase = dead
	}
}

func (c *guardedConn) signal() {
	select {
	case c.moved <- struct{}{}:
	default:
	}
}
