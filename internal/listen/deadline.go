package listen

import (
	"errors"
	"os"
	"sync"
	"time"
)

// A deadline holds a client to a time. If this process stands still, it comes all the same, and the
// client may have done its part meanwhile: then what it has sent can be read, and what it has taken
// leaves room to write. A deadline ends only what waits for a client.

// readDeadline is a connection's. Its mutex guards it, and is held while it is set.
type readDeadline struct {
	sync.Mutex
	at time.Time
}

// SetReadDeadline is net.Conn's.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.reading.at = t
	return c.TCPConn.SetReadDeadline(t)
}

// SetDeadline is net.Conn's.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// prolong puts the read deadline off, which has come, and reports whether it could. One of before
// this process began was set to interrupt a Read, as net/http does it.
func (c *conn) prolong() bool {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.reading.at.Before(epoch) {
		return false
	}
	timeout := c.server.http.ReadHeaderTimeout
	if timeout > 0 {
		timeout = max(timeout, time.Second) // so that it doesn't come again before the Read
	}
	c.reading.at = after(timeout)
	return c.TCPConn.SetReadDeadline(c.reading.at) == nil
}

// restoreReadDeadline sets the deadline of a request whose first bytes have come.
func (c *conn) restoreReadDeadline() error {
	return c.SetReadDeadline(after(c.server.http.ReadHeaderTimeout))
}

// putOff puts the write deadline off.
func (c *conn) putOff() error { return c.SetWriteDeadline(after(c.server.http.WriteTimeout)) }

// progressed reports whether a write of which the deadline has come is to go on, since the client
// has taken some bytes meanwhile.
func (c *conn) progressed(sent int64, err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) && (sent > 0 || writable(c.TCPConn))
}

// after is the deadline of what may take that long from now on; none if it is 0.
func after(timeout time.Duration) (deadline time.Time) {
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	return deadline
}
