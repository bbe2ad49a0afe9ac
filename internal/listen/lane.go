package listen

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// epoch is a moment to count from: what has gone by since costs half of what the time of day does.
var epoch = time.Now()

// mayAnswer reports whether a request begins with what has been read last, which the lane may
// answer, and notes that it is being answered. Responses of a server that drains end their
// connections, which net/http sees to.
func (c *conn) mayAnswer() bool {
	if c.server.lane == nil || c.answering.Load() || c.server.draining.Load() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.raw || !c.idleLocked() || c.scanner.cr || !c.keepLocked() {
		return false
	}
	c.answering.Store(true)
	return true
}

// serveHits has the lane answer the requests on c. It returns false if c has ended, and true when
// bytes of a request are pending that is for net/http.
func (c *conn) serveHits() (goesOn bool) {
	if c.restoreReadDeadline() != nil {
		return false
	}
	for {
		err := await(c.TCPConn, func(b *buffer, n int) (enough bool) {
			enough, goesOn = c.serve(b, n)
			return enough
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) || !c.goesOn() {
			return goesOn
		}
	}
}

// serve is serveHits for n bytes that have come into b.
func (c *conn) serve(b *buffer, n int) (enough, goesOn bool) {
	var err error
	p := b.bytes[:n]
	if c.mayAnswer() {
		n, err = c.answer(p)
	}
	if n > 0 && err == nil {
		n, err = c.follow(p[:n], nil)
	}
	if n > 0 && err == nil {
		c.pending = pending{b, p[:n]}
		return true, true
	}
	b.free()
	return err != nil, false
}

// answer has the lane answer the requests that p begins with, as far as it does that, and moves the
// rest to the beginning of p.
func (c *conn) answer(p []byte) (rest int, err error) {
	n, err := c.server.lane.Serve(c, p)
	c.rest()
	if err != nil {
		return 0, io.EOF // net/http closes the connection without another word
	}
	return copy(p, p[n:]), nil
}

// Remote is fastlane.Conn's.
func (c *conn) Remote() string {
	if c.remote == "" {
		c.remote = c.RemoteAddr().String()
	}
	return c.remote
}

// Send is fastlane.Conn's. The client may take any time as long as something gets through within
// the server's WriteTimeout.
func (c *conn) Send(b *net.Buffers) (n int64, err error) {
	for {
		if err := c.renew(); err != nil {
			return n, err
		}
		sent, err := c.write(b)
		n += sent
		if !c.progressed(sent, err) {
			return n, err
		}
		c.renewed = 0
	}
}

// write is b's WriteTo. A single buffer is written without the vector, which costs more.
func (c *conn) write(b *net.Buffers) (int64, error) {
	if len(*b) != 1 {
		return b.WriteTo(c.TCPConn)
	}
	n, err := c.TCPConn.Write((*b)[0])
	if (*b)[0] = (*b)[0][n:]; err == nil {
		*b = (*b)[:0]
	}
	return int64(n), err
}

// renew puts the deadlines off: for the response that is about to be written, and for the request
// after it. It does so now and then only, since it costs as much as all else.
func (c *conn) renew() error {
	now := time.Since(epoch)
	if c.renewed > 0 && now-c.renewed < c.server.renewal {
		return nil
	}
	c.renewed = now
	return errors.Join(c.SetReadDeadline(after(c.server.http.IdleTimeout)), c.putOff())
}
