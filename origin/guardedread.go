package origin

import (
	"bytes"
	"io"
	"net"
	"os"
)

// Read is net.Conn's.
func (c *guardedConn) Read(p []byte) (int, error) {
	if !c.secure {
		c.look()
	}
	if len(p) == 0 {
		return 0, nil
	}
	c.into, c.n, c.err = p, 0, nil
	err := c.raw.Read(c.try)
	switch c.into = nil; {
	case err != nil: // of the wait for bytes
		c.mu.Lock()
		defer c.mu.Unlock()
		c.waiting = false
		return 0, err
	case c.err == errUnsolicited:
		return 0, c.err
	case c.err != nil:
		return 0, &net.OpError{
			Op: "read", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(),
			Err: os.NewSyscallError("read", c.err),
		}
	case c.n == 0:
		return 0, io.EOF
	}
	return c.n, nil
}

// look notes that net/http's reader reads again.
func (c *guardedConn) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = true
}

// tryRead reads what has come; it returns false to be called again when there is more. It holds mu
// while it reads and records that, so that there are no bytes that are neither in the kernel nor
// recorded.
func (c *guardedConn) tryRead(fd uintptr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for again := true; again; {
		c.n, c.err = readNow(fd, c.into)
		if again = !c.secure && c.err == nil && c.n > 0; again {
			c.n = c.withoutLineEndsLocked(c.into[:c.n])
			again = c.n == 0
		}
	}
	if c.waiting = c.err == errNothing; c.waiting {
		c.signal()
		return false
	}
	if c.err != nil || c.n == 0 {
		return true
	}
	if c.secure {
		c.records.advance(c.into[:c.n])
	}
	// What TLS reads while the connection is idle may be for TLS itself. Once a request has claimed
	// the connection, it doesn't wait to find that out.
	if !c.secure && c.refuseLocked(c.into[:c.n]) || c.secure && c.phase == claimed {
		c.n, c.err, c.phase = 0, errUnsolicited, dead
		c.signal()
	}
	return true
}

// received returns how much of b, which TLS has read, is passed on to net/http.
func (c *guardedConn) received(b []byte, err error) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuseLocked(b) {
		return 0, errUnsolicited
	}
	return c.withoutLineEndsLocked(b), err
}

// withoutLineEndsLocked removes the line ends at the beginning of b, if a response begins with b.
// Some servers send an extra line end after a content, and it may come when the next request has
// been sent. It returns how many bytes are left.
func (c *guardedConn) withoutLineEndsLocked(b []byte) (n int) {
	if !c.ahead {
		return len(b)
	}
	rest := bytes.TrimLeft(b, "\r\n")
	c.ahead = len(rest) == 0
	return copy(b, rest)
}

// refuseLocked reports whether b is unsolicited, and so isn't passed on to net/http.
func (c *guardedConn) refuseLocked(b []byte) bool {
	if c.phase == busy {
		return false
	}
	if c.phase != dead && len(bytes.Trim(b, "\r\n")) > 0 && !timedOut(b) {
		c.trust.suspect(c.sent.take())
	}
	c.phase = dead
	c.signal()
	return true
}

// timedOut reports whether b begins a 408, which some servers send when they close an idle
// connection (RFC 9110 section 15.5.9).
func timedOut(b []byte) bool {
	const version = len("HTTP/1.1")
	return len(b) >= version+4 && string(b[:5]) == "HTTP/" && string(b[version:version+4]) == " 408"
}
