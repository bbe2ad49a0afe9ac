package listen

import (
	"net"

	"github.com/scurrycache/scurry/internal/admission"
)

// clients are the connections of each client that has some, if their number is limited. Other than
// in open, one that was hijacked is among them until it is closed.
type clients map[admission.Client]map[*conn]struct{}

// clientOf is who has opened c, and whether the number of that one's connections is limited. That
// of a proxy that is trusted isn't, since those of all its clients come from its address.
func (s *shared) clientOf(c *conn) (client admission.Client, limited bool) {
	at, ok := c.RemoteAddr().(*net.TCPAddr)
	if s.MaxClientConns == 0 || !ok {
		return 0, false
	}
	address := at.AddrPort().Addr()
	return admission.ClientOf(address), !s.Trusted.Trusts(address)
}

// add adds c, unless its client has as many connections as it may.
func (m clients) add(c *conn) (ok bool) {
	if !c.limited {
		return true
	}
	own := m[c.client]
	if len(own) >= c.server.MaxClientConns {
		return false
	}
	if own == nil {
		own = map[*conn]struct{}{}
		m[c.client] = own
	}
	own[c] = struct{}{}
	return true
}

// remove removes c, if it is there.
func (m clients) remove(c *conn) {
	own := m[c.client]
	if delete(own, c); len(own) == 0 {
		delete(m, c.client)
	}
}

// release removes a connection that has been closed from those of its client.
func (o *open) release(c *conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clients.remove(c)
	c.server.limit.free()
}
