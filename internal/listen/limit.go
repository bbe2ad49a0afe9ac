package listen

import (
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A connection beyond Server.MaxConns is accepted all the same. If it were left in the listener's
// queue, its client, or the load balancer before this server, would take it for open and wait, where
// another server might have answered; and a server that drains has to see its queue empty. Room is
// made by ending the connection that has been idle for longest, as at any other time a server may do
// that. If all have requests, the new one is answered with a 503 before it is read, and closed. So
// clients who keep connections open without a use can't keep others out.

const (
	// roomWait is how long a new connection waits for another one's end.
	roomWait = 100 * time.Millisecond
	// mostSeen bounds how many connections are looked at for that, and mostIdle how many idle ones:
	// of so many, one that has been idle for long is as good as the one that has been for longest.
	mostSeen, mostIdle = 256, 32
	// mostHeard is how many refused clients are heard out at once. Others may see a reset.
	mostHeard = 64
)

// limit is how many connections there may be, and what comes of the others.
type limit struct {
	freed   chan struct{} // has an element once a connection has ended
	hearing chan struct{} // has one for each refused client that is being heard out
	heard   sync.WaitGroup
	refused atomic.Int64 // connections
}

func newLimit() limit {
	return limit{freed: make(chan struct{}, 1), hearing: make(chan struct{}, mostHeard)}
}

// mostConns is how many connections there may be.
func (s *shared) mostConns() int {
	if s.MaxConns > 0 {
		return s.MaxConns
	}
	return math.MaxInt
}

// makeRoom waits until c can be added, since another connection has ended. It reports false if none
// does.
func (a *acceptor) makeRoom(c *conn) bool {
	patience := time.NewTimer(roomWait)
	defer patience.Stop()
	select {
	case <-a.server.limit.freed: // some time ago
	default:
	}
	for a.open.endIdlest() {
		select {
		case <-a.server.limit.freed:
		case <-patience.C:
			return false
		case <-a.closed:
			return false
		}
		if a.open.add(c) == added {
			return true
		}
	}
	return false
}

const tooMany = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n" +
	"Cache-Control: no-store\r\nConnection: close\r\n\r\n"

// turnAway refuses c, for which there is no room.
func (a *acceptor) turnAway(c *conn) {
	s := a.server
	s.limit.refused.Add(1)
	s.refuse(c.RemoteAddr(), http.StatusServiceUnavailable, "too many connections")
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

// endIdlest ends the connection that has been idle for longest, about. It reports false if all that
// it has looked at have requests.
func (o *open) endIdlest() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	var idlest *conn
	var since time.Time
	seen, idle := 0, 0
	for c := range o.conns { // in any order
		if at, ok := c.idleSince(); ok {
			if idle++; idlest == nil || at.Before(since) {
				idlest, since = c, at
			}
		}
		if seen++; seen == mostSeen || idle == mostIdle {
			break
		}
	}
	if idlest != nil {
		idlest.endIdle(since)
	}
	return idlest != nil
}

// idleSince is since when c has been idle, if it is. What is ending counts: it is about to go.
func (c *conn) idleSince() (since time.Time, idle bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since, c.idleLocked() && !c.closing
}
