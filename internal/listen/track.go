package listen

import (
	"iter"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
)

// open are a Server's connections that are open and not hijacked.
type open struct {
	mu      sync.Mutex
	conns   map[*conn]early // guarded by mu
	clients clients         // guarded by mu
	closed  bool            // guarded by mu: no more are to come
}

// early says whether a connection hasn't come to net/http.
type early bool

// addition is what has come of adding a connection.
type addition uint8

const (
	added   addition = iota
	late             // dropEarly has been called
	full             // there are as many as there may be
	crowded          // its client has as many as it may have
)

// add keeps account of c, which net/http hasn't got.
func (o *open) add(c *conn) addition {
	c.rest()
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return late
	case len(o.conns) >= c.server.mostConns():
		return full
	case !o.clients.add(c):
		return crowded
	}
	o.conns[c] = true
	return added
}

// track keeps account of the connections that net/http has. It is the http.Server's ConnState.
func (o *open) track(nc net.Conn, state http.ConnState) {
	c := nc.(*conn)
	switch state {
	case http.StateNew:
		o.mu.Lock()
		defer o.mu.Unlock()
		o.conns[c] = false
	case http.StateIdle:
		c.rest()
	case http.StateHijacked:
		c.release()
		o.forget(c)
	case http.StateClosed:
		o.forget(c)
	}
}

func (o *open) forget(c *conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.conns, c)
	c.server.limit.free()
}

// dropEarly ends the connections that net/http hasn't got, and lets no more come.
func (o *open) dropEarly() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for c, early := range o.conns {
		if early {
			_ = c.TCPConn.Close() // who serves it drops it
		}
	}
}

// endIdle ends the connections that have been idle since limit, and returns how many haven't ended.
func (o *open) endIdle(limit time.Time) (open int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.conns {
		c.endIdle(limit)
	}
	return len(o.conns)
}

// Connections returns how many connections are open, and how many of them have a request.
func (s *Server) Connections() (open, busy int) {
	s.mu.Lock()
	open = len(s.conns)
	s.mu.Unlock()
	return open, s.busy()
}

// busy returns how many connections have a request.
func (o *open) busy() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.conns {
		if c.busy() {
			n++
		}
	}
	return n
}

// mostSeen bounds how many connections are looked at for the one that has been idle for longest,
// and mostIdle how many idle ones: of so many, one that has been idle for long does as well.
const mostSeen, mostIdle = 256, 32

// endIdlest ends the connection that has been idle for longest, about: of all, or of c's client. It
// reports false if all that it has looked at have requests.
func (o *open) endIdlest(c *conn, all bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if all {
		return endIdlest(maps.Keys(o.conns))
	}
	return endIdlest(maps.Keys(o.clients[c.client]))
}

func endIdlest(conns iter.Seq[*conn]) bool {
	var idlest *conn
	var since time.Time
	seen, idle := 0, 0
	for c := range conns { // in any order
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
