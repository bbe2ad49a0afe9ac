// Package http1 sends requests to a server by HTTP/1.1 (RFC 9112), one at a time on a connection.
//
// What flows in is a GET or HEAD without content, as it is to be sent. What comes out is the
// server's response, whose body reads from the connection. One goroutine sends the request, reads
// the response and owns the connection meanwhile. net/http's Transport has goroutines of its own
// for writing and reading, and each handover costs more than the bytes of a small file. For the
// same reason the goroutine that waits for the response's head may be the one of the client who
// asked for it: see workers.Task. The owner also knows what has come over the connection, which is
// used again only if nothing has come that no request asked for (RFC 9112 section 6.3).
package http1

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/scurrycache/scurry/internal/workers"
)

// Client sends requests to one server, or to a proxy in front of it. Fields are required unless
// their comments give zero a meaning, and may not be changed after the first request. A Client is
// safe for concurrent use.
type Client struct {
	// Dial makes a connection, on which the TLS handshake has been done. One is used again only if
	// it is a Socket or a *tls.Conn over one.
	Dial func(context.Context) (net.Conn, error)

	// HeaderTimeout limits how long it takes to send a request and to read the head of its
	// response. 0: no limit.
	HeaderTimeout time.Duration

	// IdleTimeout is how long a connection is idle before it is closed. 0: no limit.
	IdleTimeout time.Duration

	MaxHeaderBytes int64 // limits the head of a response, with interim responses
	MaxConns       int   // limits the connections; 0: no limit
	MaxIdleConns   int   // limits the idle ones

	// Trusted reports whether connections may be used again. Otherwise each carries one request.
	Trusted func() bool

	// Unsolicited is called when something has come over a connection that no request had asked
	// for, and for a connection that was given up since connections aren't trusted. urls are those
	// that were requested over it after its first request: their responses may have been mixed up.
	// It must return soon, and not call the Client.
	Unsolicited func(urls []string)

	start sync.Once
	slots chan struct{} // holds one for each request in progress; nil: no limit
	pool  pool
}

// RoundTrip sends req, a GET or HEAD without content whose URL, Host and header are as they are to
// be sent, and returns the response. The caller closes its body, which also may be done during a
// Read; a body that hasn't been read to its end ends the connection. Interim responses go to the
// httptrace.ClientTrace of req's context.
//
// If a connection that has carried a request before ends instead of bringing a response, as it does
// when the server closes it at that moment, req is sent again over a new one.
//
// The workers.Task of req's context, if it has one, awaits the head and, as long as it is attached,
// the content. It is detached before RoundTrip waits for anything else.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := validate(req.Header); err != nil {
		return nil, err
	}
	if err := c.acquire(req.Context()); err != nil {
		return nil, err
	}
	resp, err := c.roundTrip(req)
	if err != nil {
		c.release()
	}
	return resp, err
}

// validate returns what is wrong with the fields of a request, if anything.
func validate(h http.Header) error {
	for name, values := range h {
		if !httpguts.ValidHeaderFieldName(name) {
			return errors.New("the name of a field isn't valid")
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return errors.New("the value of the field " + name + " isn't valid")
			}
		}
	}
	return nil
}

func (c *Client) roundTrip(req *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(req.Context())
	if trace == nil {
		trace = new(httptrace.ClientTrace)
	}
	for again := false; ; again = true {
		cn, err := c.connect(req, trace, again)
		if err != nil {
			return nil, err
		}
		x := exchange{req: req, trace: trace, last: !c.Trusted(), timeout: c.HeaderTimeout,
			maxHead: c.MaxHeaderBytes, done: c.done}
		resp, err := x.over(cn)
		if err == nil {
			return resp, nil
		}
		c.drop(cn)
		if cn.requests == 1 || cn.answered || IsTimeout(err) || req.Context().Err() != nil {
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
	var cn *conn
	for !fresh {
		if cn = c.pool.take(); cn == nil || c.Trusted() {
			break
		}
		c.drop(cn)
	}
	if cn == nil {
		workers.TaskOf(req.Context()).Detach()
		raw, err := c.Dial(req.Context())
		if err != nil {
			return nil, cmp.Or(context.Cause(req.Context()), err)
		}
		cn = newConn(raw, c.IdleTimeout, c.Unsolicited)
	}
	if trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: cn.Conn, Reused: cn.requests > 0})
	}
	return cn, nil
}

// Adopt gives the Client a connection that it may use as if Dial had made it. The Client closes it
// if it has enough.
func (c *Client) Adopt(raw net.Conn) {
	c.init()
	if c.slots != nil {
		select {
		case c.slots <- struct{}{}:
			defer c.release()
		default:
			_ = raw.Close()
			return
		}
		if c.pool.size()+len(c.slots) > c.MaxConns {
			_ = raw.Close()
			return
		}
	}
	c.keep(newConn(raw, c.IdleTimeout, c.Unsolicited))
}

// done takes cn back from a request.
func (c *Client) done(cn *conn, reusable bool) {
	if reusable {
		c.keep(cn)
	} else {
		c.drop(cn)
	}
	c.release()
}

// keep makes cn idle, or drops it.
func (c *Client) keep(cn *conn) {
	if !c.Trusted() || !cn.reusable() || !c.pool.put(cn, c.MaxIdleConns) {
		c.drop(cn)
	}
}

// drop closes cn. If connections may not be used again, nobody reads what would still come over cn
// and would show that responses were mixed up: they may have been.
func (c *Client) drop(cn *conn) {
	if !c.Trusted() && len(cn.urls) > 0 {
		cn.suspect()
	}
	_ = cn.Close()
}

func (c *Client) init() {
	c.start.Do(func() {
		if c.MaxConns > 0 {
			c.slots = make(chan struct{}, c.MaxConns)
		}
	})
}

// acquire waits for a slot. Each acquire that succeeds is followed by one release.
func (c *Client) acquire(ctx context.Context) error {
	c.init()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.slots == nil {
		return nil
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	workers.TaskOf(ctx).Detach()
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Client) release() {
	if c.slots != nil {
		<-c.slots
	}
}

// CloseIdle closes the idle connections.
func (c *Client) CloseIdle() { c.pool.clear(false) }

// Retire is CloseIdle, and from then on no connection becomes idle. Requests that have begun go on.
func (c *Client) Retire() { c.pool.clear(true) }
