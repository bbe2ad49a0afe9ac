package listen

import (
	"errors"
	"net"
	"runtime/debug"
	"sync"
)

// acceptor is the listener that net/http serves. If there is a lane, connections begin with it, in
// a goroutine of their own. They come to net/http with the first request that the lane doesn't
// answer, and stay there:
//
//	accept ─► begin ─► hits ─► ready ─► net/http
//
// So a connection that has had plain hits only holds no buffer while it is idle.
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

// Accept is called by net/http. After an error, net/http waits and tries again, or closes a.
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

// run accepts connections until the listener or a is closed. After the listener is, connections may
// go on coming from the lane.
func (a *acceptor) run() {
	defer a.server.accepting.Unlock()
	for {
		switch c, err := a.Listener.Accept(); {
		case err == nil:
			a.begin(&conn{TCPConn: c.(*net.TCPConn), server: a.server})
		case errors.Is(err, net.ErrClosed) || !a.hand(arrival{err: err}):
			return
		}
	}
}

func (a *acceptor) begin(c *conn) {
	a.open.add(c)
	if a.server.lane != nil {
		go a.hits(c)
	} else if !a.hand(arrival{conn: c}) {
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

// hits serves c until it ends, or until a request comes that is net/http's.
func (a *acceptor) hits(c *conn) {
	defer func() {
		if v := recover(); v != nil { // net/http does the same
			a.server.errorf("panic serving %v: %v\n%s", c.RemoteAddr(), v, debug.Stack())
			a.drop(c)
		}
	}()
	if !c.serveHits() || !a.hand(arrival{conn: c}) {
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
	a.open.dropEarly()
	if err := a.Listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
