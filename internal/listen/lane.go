package listen

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
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

// readOn is servePlain once net/http has the connection.
func (c *conn) readOn() error {
	if err := c.servePlain(); err != nil || c.renewed == 0 {
		return err
	}
	c.renewed = 0
	return c.restoreReadDeadline()
}

// servePlain has the lane, and the handler, answer the plain requests on c, until bytes of a
// request are pending that is for net/http. An error means that c has ended.
func (c *conn) servePlain() error {
	for {
		r, err := c.next()
		if r == nil || err != nil {
			return err
		}
		if err := c.handle(r); err != nil {
			return err
		}
	}
}

// next has the lane answer the requests on c, until a plain one comes that the lane doesn't answer,
// which it returns, or until bytes are pending for net/http.
func (c *conn) next() (*http.Request, error) {
	if b := c.pending.buffer; b != nil { // they have come with the last request
		n := copy(b.bytes[:], c.pending.rest)
		c.pending = pending{}
		if enough, r, err := c.serve(b, n); enough {
			return r, err
		}
	}
	for {
		var r *http.Request
		var failed error
		err := await(c.TCPConn, &c.direct, func(b *buffer, n int) (enough bool) {
			enough, r, failed = c.serve(b, n)
			return enough
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) || !c.goesOn() {
			return r, cmp.Or(err, failed)
		}
	}
}

// serve is next for n bytes that have come into b. It reports whether that is at its end.
func (c *conn) serve(b *buffer, n int) (enough bool, next *http.Request, err error) {
	p := b.bytes[:n]
	if c.mayAnswer() {
		n, next, err = c.server.lane.Serve(c, p)
		if next == nil {
			c.rest()
		}
		if err != nil {
			err = io.EOF // net/http closes the connection without another word
		}
		n = copy(p, p[n:])
	}
	if n > 0 && next == nil && err == nil {
		n, err = c.follow(p[:n], nil)
	}
	if n > 0 && err == nil {
		c.pending = pending{b, p[:n]}
		return true, next, nil
	}
	b.free()
	return next != nil || err != nil, next, err
}

// handle has the server's handler answer a plain request. An error means that c ends with the
// response.
func (c *conn) handle(r *http.Request) error {
	if err := c.renew(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.context())
	defer cancel()
	w := responses.Get().(*response)
	w.begin(response{to: c, timeout: c.server.http.WriteTimeout, draining: &c.server.draining,
		isHEAD: r.Method == http.MethodHead, failed: cancel})
	defer w.free()
	if !c.answerBy(w, r.WithContext(ctx), cancel) {
		return io.EOF // whoever closes c hears the client out
	}
	c.rest()
	return c.renew()
}

// answerBy has the handler answer r, and reports whether the connection goes on.
func (c *conn) answerBy(w *response, r *http.Request, gone context.CancelFunc) (goesOn bool) {
	c.watched = watch{conn: c, gone: gone}
	c.server.watches.add(&c.watched)
	defer func() {
		if c.server.watches.remove(&c.watched) {
			c.renewed = 0 // the watch has replaced the deadline
		}
		c.watched = watch{} // an idle connection holds no context
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			panic(v)
		}
	}()
	c.server.handler.ServeHTTP(w, r)
	return w.finish()
}

// awaitEnd is watchable's.
func (c *conn) awaitEnd() (is bool) { return ended(c.TCPConn) }

// context is what the contexts of all requests on c come from that net/http hasn't read.
func (c *conn) context() context.Context {
	if c.base == nil {
		c.base = context.WithValue(context.Background(), http.ServerContextKey, c.server.http)
		c.base = context.WithValue(c.base, http.LocalAddrContextKey, c.LocalAddr())
	}
	return c.base
}

// Remote is fastlane.Conn's.
func (c *conn) Remote() string {
	if c.remote == "" {
		c.remote = c.RemoteAddr().String()
	}
	return c.remote
}

// Send is fastlane.Conn's.
func (c *conn) Send(b *net.Buffers) (n int64, err error) {
	if err := c.renew(); err != nil {
		return 0, err
	}
	return c.send(b, nil)
}

// send sends all of b. The client may take any time as long as something gets through within the
// server's WriteTimeout. Before it waits for the client it calls beforeWait, if that isn't nil.
func (c *conn) send(b *net.Buffers, beforeWait func()) (n int64, err error) {
	for {
		sent, err := c.write(b, beforeWait)
		n += sent
		if !c.progressed(sent, err) || c.putOff() != nil {
			return n, err
		}
		c.renewed = 0 // the deadline for the next request has yet to be put off
	}
}

// write is b's WriteTo.
func (c *conn) write(b *net.Buffers, beforeWait func()) (int64, error) {
	var sent int64
	if c.direct.held {
		sent = c.direct.send(b)
	} else {
		sent = sendNow(c.TCPConn, b)
	}
	if len(*b) == 0 {
		return sent, nil
	}
	if beforeWait != nil {
		beforeWait()
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
