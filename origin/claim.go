package origin

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"net/url"
	"time"
)

// claimTime is how long a request waits for a kept connection to become quiet. That takes some
// microseconds, or never happens; the request then takes another connection.
const claimTime = 250 * time.Millisecond

// use prepares the connection that net/http has taken for a request for u. It returns the
// guardedConn whose ended is to be called at the response's end, or nil. It closes a connection
// that can't be used, and net/http takes another.
func use(ctx context.Context, info httptrace.GotConnInfo, u *url.URL) *guardedConn {
	var c *guardedConn
	switch conn := info.Conn.(type) {
	case *guardedConn:
		c = conn
	case *secureConn:
		c = conn.guarded
	case *tls.Conn: // HTTP/2; or TLS in a proxy's tunnel, where what has been read can't be seen
		if info.Reused && conn.ConnectionState().NegotiatedProtocol != "h2" {
			beneath(conn).giveUp()
		}
		return nil
	default:
		return nil
	}
	if info.Reused && !c.claim(ctx, u.String()) {
		c.giveUp()
	}
	return c
}

// beneath returns the guardedConn below conn.
func beneath(conn net.Conn) *guardedConn {
	for {
		if c, ok := conn.(*guardedConn); ok {
			return c
		}
		conn = conn.(interface{ NetConn() net.Conn }).NetConn()
	}
}

// claim waits until c is quiet and reserves it for a request for url. It returns false if c isn't
// to be used.
func (c *guardedConn) claim(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	for {
		ok, over := c.tryClaim(url)
		if ok || over {
			return ok
		}
		select {
		case <-c.moved:
		case <-ctx.Done():
			return false
		}
	}
}

// tryClaim is claim without the wait. If over is set, c can never be used again.
func (c *guardedConn) tryClaim(url string) (ok, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == dead || c.sent.full() || c.trust.distrusted() {
		return false, true
	}
	if ok = c.waiting; c.secure { // without TLS, tryRead and beforeWrite see what still comes
		_, ok = c.quietLocked()
	}
	if ok {
		c.phase, c.next = claimed, url
	}
	return ok, false
}

// giveUp closes c below net/http and waits until net/http's reader has noticed, which happens as
// soon as that runs. The reader may still hold earlier bytes, and would take them for the response
// to the request that is about to be sent.
func (c *guardedConn) giveUp() {
	distrusted := c.trust.distrusted()
	c.mu.Lock()
	if distrusted { // what would still come is read by nobody
		c.trust.suspect(c.sent.take())
	}
	c.phase = dead
	c.mu.Unlock()
	_ = c.Conn.Close()
	<-c.gone
}

// ended notes that a response has ended and that net/http keeps c for the next request. It is
// called before net/http's reader reads again.
func (c *guardedConn) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idling, c.looked, c.since = true, false, time.Now()
	if c.phase == busy {
		c.phase = idle
	}
}
