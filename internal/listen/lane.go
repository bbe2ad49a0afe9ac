package listen

import (
	"cmp"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// epoch is a moment to count from: what has gone by since costs half of what the time of day does.
var epoch = time.Now()

// begins reports whether a request begins with what is read next, which the lane may answer.
func (c *conn) begins() bool {
	if !c.laneAnswers() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.betweenLocked()
}

// mayAnswer is begins once something has been read, and notes that it is being answered.
func (c *conn) mayAnswer() bool {
	if !c.laneAnswers() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.betweenLocked() || !c.keepLocked() {
		return false
	}
	c.answering.Store(true)
	return true
}

// laneAnswers reports whether there is a lane, and nothing that it would get in the way of.
// Responses of a server that drains end their connections, which net/http sees to.
func (c *conn) laneAnswers() bool {
	return c.server.lane != nil && !c.answering.Load() && !c.server.draining.Load()
}

// betweenLocked reports whether the bytes of a request have yet to come.
func (c *conn) betweenLocked() bool {
	return !c.closing && !c.raw && c.idleLocked() && !c.scanner.cr
}

// readOn is serveHits once net/http has the connection.
func (c *conn) readOn() error {
	if err := c.serveHits(); err != nil || c.renewed == 0 {
		return err
	}
	c.renewed = 0
	return c.restoreReadDeadline()
}

// serveHits has the lane answer the requests on c, until bytes of a request are pending that is for
// net/http. An error means that c has ended.
func (c *conn) serveHits() error {
	for {
		var failed error
		err := await(c.TCPConn, &c.direct, func(b *buffer, n int) (enough bool) {
			enough, failed = c.serve(b, n)
			return enough
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) || !c.goesOn() {
			return cmp.Or(err, failed)
		}
	}
}

// serve is serveHits for n bytes that have come into b. It reports whether that is at its end.
func (c *conn) serve(b *buffer, n int) (enough bool, err error) {
	p := b.bytes[:n]
	if c.mayAnswer() {
		n, err = c.answer(p)
	}
	if n > 0 && err == nil {
		n, err = c.follow(p[:n], nil)
	}
	if n > 0 && err == nil {
		c.pending = pending{b, p[:n]}
		return true, nil
	}
	b.free()
	return err != nil, err
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

// write is b's WriteTo.
func (c *conn) write(b *net.Buffers) (int64, error) {
	sent := c.direct.send(b)
	if len(*b) == 0 {
		return sent, nil
	}
	n, err := c.writeRest(b)
	return sent + n, err
}

// writeRest is write by way of package net. A single buffer is written without the vector, which
// costs more.
func (c *conn) writeRest(b *net.Buffers) (int64, error) {
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
