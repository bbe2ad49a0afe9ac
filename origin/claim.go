package origin

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"net/url"
	"time"
)

const (
	// claimTime is how long a request waits for a kept connection to become quiet, which takes some
	// microseconds if it ever does. Then it takes another connection.
	claimTime = 250 * time.Millisecond

	// A connection is given up after so many requests, or so many bytes of their URLs, since it has
	// to remember them.
	maxHistory      = 500
	maxHistoryBytes = 32 << 10
)

// history is the URLs of the requests that a connection has carried after its first, whose response
// can't have been taken for another's.
type history struct {
	urls  []string
	bytes int
}

func (h *history) add(url string) {
	h.urls = append(h.urls, url)
	h.bytes += len(url)
}

func (h *history) full() bool { return len(h.urls) >= maxHistory || h.bytes >= maxHistoryBytes }

func (h *history) take() []string {
	urls := h.urls
	*h = history{}
	return urls
}

// use prepares the connection that net/http has taken for a request for u. It returns what is to be
// told of the response's end, if anything. A connection that won't do is closed, and net/http takes
// another.
func use(ctx context.Context, info httptrace.GotConnInfo, u *url.URL) *guardedConn {
	var c *guardedConn
	switch conn := info.Conn.(type) {
	case *guardedConn:
		c = conn
	case *secureConn:
		c = conn.guarded
	case *tls.Conn: // HTTP/2; or TLS in the tunnel of a proxy, of which it can't be seen how far it has read
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

// beneath returns the guardedConn that conn is spoken over.
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
	ok, over := c.tryClaim(url)
	if ok || over {
		return ok
	}
	timeout := time.NewTimer(claimTime)
	defer timeout.Stop()
	for !ok && !over {
		select {
		case <-c.moved:
			ok, over = c.tryClaim(url)
		case <-timeout.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return ok
}

// tryClaim is claim without the wait. If over, c will never do.
func (c *guardedConn) tryClaim(url string) (ok, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == dead || c.sent.full() || c.server.distrusted() {
		return false, true
	}
	if ok = c.waiting; c.secure { // without TLS, what is still to be read is looked at when it is, and before the request goes out
		_, ok = c.quietLocked()
	}
	if ok {
		c.phase, c.next = claimed, url
	}
	return ok, false
}

// giveUp closes c from beneath and waits until net/http's reader has noticed, which takes no longer
// than it takes to run. The reader may still have bytes from before, and would take them for the
// response to the request that is about to go out.
func (c *guardedConn) giveUp() {
	distrusted := c.server.distrusted()
	c.mu.Lock()
	if distrusted { // it won't be seen any more what would still come
		c.server.suspect(c.sent.take())
	}
	c.phase = dead
	c.mu.Unlock()
	_ = c.Conn.Close()
	<-c.gone
}

// ended notes that a response has come to its end, and that net/http keeps c for the next request.
// It is called before net/http's reader looks for more.
func (c *guardedConn) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idling, c.looked, c.since = true, false, time.Now()
	if c.phase == busy {
		c.phase = idle
	}
}
