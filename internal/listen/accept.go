package listen

import (
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// acceptor is the listener that net/http serves. If there is a lane, connections begin with it, in
// a goroutine of their own. They come to net/http with the first request that isn't plain, and stay
// there:
//
//	accept ─► begin ─► plain ─► ready ─► net/http
//
// So a connection that has had plain requests only holds no buffer while it is idle.
type acceptor struct {
	net.Listener
	server *shared
	open   *open
	start  sync.Once
	ready  chan arrival
	stop   sync.Once
	closed chan struct{}
}

// arrival is what Accept returns.
type arrival struct {
	conn net.Conn
	err  error
}

// Accept is called by net/http, which closes a after an error.
func (a *acceptor) Accept() (net.Conn, error) {
	a.start.Do(func() {
		a.server.accepting.Lock()
		go a.run()
	})
	select {
	case next := <-a.ready:
		return next.conn, next.err
	case <-a.closed:
		return nil, net.ErrClosed
	}
}

// The pauses after errors that may pass, such as that too many files are open.
const (
	firstPause = 5 * time.Millisecond
	mostPause  = time.Second
)

// run accepts connections until the listener is closed or fails for good. Once a server that drains
// has closed the listener, connections may go on coming from the lane.
func (a *acceptor) run() {
	defer a.server.accepting.Unlock()
	for pause := firstPause; ; {
		c, err := a.Listener.Accept()
		switch passes, ok := errors.AsType[temporary](err); {
		case err == nil:
			pause = firstPause
			a.begin(&conn{TCPConn: c.(*net.TCPConn), server: a.server})
		case ok && passes.Temporary():
			a.server.errorf("Accept error: %v; retrying in %v", err, pause)
			select {
			case <-time.After(pause): // net/http's pause would hold up those who come from the lane
			case <-a.closed:
			}
			pause = min(2*pause, mostPause)
		default:
			if !a.server.draining.Load() {
				a.hand(arrival{err: err})
			}
			return
		}
	}
}

// temporary is an error that may pass.
type temporary interface {
	error
	Temporary() bool
}

func (a *acceptor) begin(c *conn) {
	if c.client, c.limited = a.server.clientOf(c); c.limited {
		c.closed = func() { a.open.release(c) }
	}
	state := a.open.add(c)
	if state == full || state == crowded {
		state = a.makeRoom(c, state)
	}
	switch {
	case state == late:
		_ = c.TCPConn.Close()
	case state != added:
		a.turnAway(c, state)
	case a.server.lane != nil:
		go a.plain(c)
	case !a.hand(arrival{conn: c}):
		a.drop(c)
	}
}

// hand hands next to net/http, and reports whether that has taken it.
func (a *acceptor) hand(next arrival) bool {
	select {
	case a.ready <- next:
		return true
	case <-a.closed:
		return false
	}
}

// plain serves c until it ends, or until a request comes that is net/http's.
func (a *acceptor) plain(c *conn) {
	defer func() {
		if v := recover(); v != nil { // net/http does the same
			a.server.errorf("panic serving %v: %v\n%s", c.RemoteAddr(), v, debug.Stack())
			a.drop(c)
		}
	}()
	if c.restoreReadDeadline() != nil || c.servePlain() != nil || !a.hand(arrival{conn: c}) {
		a.drop(c)
	}
}

// drop ends c, which net/http hasn't got.
func (a *acceptor) drop(c *conn) {
	_ = c.Close() // the client may have done so before
	a.open.forget(c)
}

// Close closes the listener, and the connections that net/http hasn't got.
func (a *acceptor) Close() error {
	a.stop.Do(func() { close(a.closed) })
	err := a.Listener.Close()
	a.open.dropEarly()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// A connection beyond Server.MaxConns is accepted all the same. If it were left in the listener's
// queue, its client, or the load balancer before this server, would take it for open and wait,
// where another server might have answered; and a server that drains has to see its queue empty.
// Room is made by ending the connection that has been idle for longest, as at any other time a
// server may do that. If all have requests, the new one is answered with a 503 before it is read,
// and closed. So clients who keep connections open without a use can't keep others out. For a
// connection beyond Server.MaxClientConns it is the same, among those of its client.

// roomWait is how long a new connection waits for another one's end.
const roomWait = 100 * time.Millisecond

// makeRoom waits until c, which state says there is no room for, can be added, since another
// connection has ended. It returns what has come of that.
func (a *acceptor) makeRoom(c *conn, state addition) addition {
	patience := time.NewTimer(roomWait)
	defer patience.Stop()
	select {
	case <-a.server.limit.freed: // some time ago
	default:
	}
	for a.open.endIdlest(c, state == full) {
		select {
		case <-a.server.limit.freed:
		case <-patience.C:
			return state
		case <-a.closed:
			return state
		}
		if state = a.open.add(c); state == added || state == late {
			break
		}
	}
	return state
}

const tooMany = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n" +
	"Cache-Control: no-store\r\nConnection: close\r\n\r\n"

// turnAway refuses c, for which there is no room, as state says.
func (a *acceptor) turnAway(c *conn, state addition) {
	s, count, why := a.server, &a.server.limit.refused, "too many connections"
	if state == crowded {
		count, why = &s.limit.crowded, "too many connections of one client"
	}
	count.Add(1)
	s.refuse(c.RemoteAddr(), http.StatusServiceUnavailable, why)
	select {
	case s.limit.hearing <- struct{}{}:
	default:
		_ = c.TCPConn.Close()
		return
	}
	s.limit.heard.Go(func() {
		if _, err := c.TCPConn.Write([]byte(tooMany)); err == nil { // the socket has room for it
			c.hearOut()
		}
		_ = c.TCPConn.Close()
		<-s.limit.hearing
	})
}
