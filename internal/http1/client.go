// Package http1 asks a server by HTTP/1.1 (RFC 9112), one request at a time on a connection.
//
// What flows in is a GET or HEAD without content, as it is to be sent. What comes out is the
// server's response, whose body reads from the connection. The goroutine that asks writes and reads
// the connection itself: net/http's Transport hands both to goroutines of their own, and each hand
// over costs more than the bytes of a small file. It is also why a Client always knows what has
// come over a connection: one is used again only if nothing has that no request asked for (RFC 9112
// section 6.3).
package http1

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// Client asks one server, or a proxy in front of it. It needs all fields for which no other meaning
// of zero is given; they may not be changed after the first request. A Client is safe for
// concurrent use.
type Client struct {
	// Dial makes a connection, on which the handshake of TLS has been done. One is used again only
	// if it is a Socket or a *tls.Conn over one.
	Dial func(context.Context) (net.Conn, error)

	HeaderTimeout  time.Duration // limits the wait for a request's response; 0: no limit
	IdleTimeout    time.Duration // how long a connection waits for the next request; 0: no limit
	MaxHeaderBytes int64         // limits what a response's head takes, with interim responses
	MaxConns       int           // limits the connections; 0: no limit
	MaxIdleConns   int           // limits those that wait for the next request

	// Trusted reports whether connections may be used again. Otherwise each carries one request.
	Trusted func() bool

	// Unsolicited is told when something has come over a connection that no request had asked for.
	// urls are those that were asked for over it after its first request: their responses may have
	// been mixed up. It must return soon, and not call the Client.
	Unsolicited func(urls []string)

	start sync.Once
	room  chan struct{} // holds one for each request in progress; nil: no limit
	pool  pool
}

// RoundTrip sends req, a GET or HEAD without content whose URL's credentials, Host and header are
// as they are to be sent, and returns the response to it. The caller closes its body, which also
// may be done during a Read; a body that hasn't been read to its end ends the connection. Interim
// responses go to the httptrace.ClientTrace of req's context.
//
// If a connection that has carried a request before ends instead of bringing a response, as it does
// when the server closes it at that moment, req is sent again over a new one.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := c.enter(req.Context()); err != nil {
		return nil, err
	}
	resp, err := c.ask(req)
	if err != nil {
		c.leave()
	}
	return resp, err
}

func (c *Client) ask(req *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(req.Context())
	if trace == nil {
		trace = new(httptrace.ClientTrace)
	}
	for again := false; ; again = true {
		n, err := c.connect(req, trace, again)
		if err != nil {
			return nil, err
		}
		resp, err := n.exchange(req, trace)
		if err == nil {
			return resp, nil
		}
		_ = n.Close()
		if n.requests == 1 || n.answered || isTimeout(err) || req.Context().Err() != nil {
			return nil, err
		}
	}
}

// connect returns a connection for req, a new one if fresh.
func (c *Client) connect(req *http.Request, trace *httptrace.ClientTrace, fresh bool,
) (*conn, error) {
	if trace.GetConn != nil {
		trace.GetConn(req.URL.Host)
	}
	var n *conn
	if !fresh {
		n = c.pool.take(func(n *conn) bool { return n.claim() && c.trusts(n) })
	}
	if n == nil {
		raw, err := c.Dial(req.Context())
		if err != nil {
			return nil, err
		}
		n = newConn(c, raw)
	}
	if trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: n.Conn, Reused: n.requests > 0})
	}
	return n, nil
}

// Keep gives the Client a connection that it may use as if Dial had made it.
func (c *Client) Keep(raw net.Conn) { c.keep(newConn(c, raw)) }

// keep has n wait for the next request, or closes it.
func (c *Client) keep(n *conn) {
	n.rest()
	quiet := n.r.Buffered() == 0 || n.waits()
	if !quiet || !n.reusable() || !c.trusts(n) || !c.pool.put(n, c.MaxIdleConns) {
		_ = n.Close()
	}
}

// trusts reports whether n may be used again. If it may not, what would still come over it is read
// by nobody, and so can't tell whether responses were mixed up: they may have been.
func (c *Client) trusts(n *conn) bool {
	trusted := c.Trusted()
	if !trusted && len(n.urls) > 0 {
		n.suspect()
	}
	return trusted
}

// enter waits for room for a connection. Each enter that succeeds is followed by one leave.
func (c *Client) enter(ctx context.Context) error {
	c.start.Do(func() {
		if c.MaxConns > 0 {
			c.room = make(chan struct{}, c.MaxConns)
		}
	})
	if c.room == nil {
		return nil
	}
	select {
	case c.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Client) leave() {
	if c.room != nil {
		<-c.room
	}
}

// CloseIdle closes the connections that wait for a request.
func (c *Client) CloseIdle() { c.pool.clear(false) }

// Retire is CloseIdle, and from then on no connection waits for another request. Requests that
// have begun go on.
func (c *Client) Retire() { c.pool.clear(true) }
