// Package admission decides whether a client's request is taken on: by how many are in flight, and
// by how many its client has sent lately. It also tells who the client is behind proxies.
//
//	the connection's address, fields ─► Proxies: client ─► Gate: Admit ─► Verdict
//	                                                       Gate: Done ◄── it has been answered
//
// All ways to an answer ask the same Gate, so that a limit holds for their sum.
package admission

import (
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// Config says what a Gate admits. The zero value admits everything.
type Config struct {
	// Requests is how many requests may be in flight at once; 0 for any number.
	Requests int

	// Rate is how many requests a client may send in a second in the long run, 0 for any number,
	// and Burst how many at once. A client is an address of IPv4, or the /64 network of one of
	// IPv6.
	Rate  float64
	Burst int

	// Trusted are the proxies that are believed who the client is.
	Trusted Proxies

	// Now is the clock that rates go by.
	Now func() time.Time
}

// Reason is why a request isn't taken on.
type Reason uint8

// The reasons that there are.
const (
	Admitted   Reason = iota // it is taken on
	Requests                 // too many are in flight
	ClientRate               // its client has sent too many lately
	Reasons
)

func (r Reason) String() string { return [...]string{"", "requests", "client rate"}[r] }

// Verdict is what is decided about one request.
type Verdict struct {
	Reason Reason
	Wait   time.Duration // after which another try may succeed, if it isn't Admitted
}

// busyWait is how long a client should wait where too many requests are in flight.
const busyWait = time.Second

// Gate admits requests. Its methods may be called concurrently.
type Gate struct {
	Trusted  Proxies
	most     int64
	inFlight atomic.Int64
	clients  *clients // nil if there is no limit
	refused  [Reasons]atomic.Int64
}

// New makes a Gate.
func New(c Config) *Gate {
	g := &Gate{Trusted: c.Trusted, most: int64(c.Requests)}
	if c.Rate > 0 {
		g.clients = newClients(c.Rate, c.Burst, c.Now)
	}
	return g
}

// Open reports whether g admits everything.
func (g *Gate) Open() bool { return g.most == 0 && g.clients == nil }

// Client is who has sent a request with that header over a connection from there, and whether that
// isn't the host at the connection's other end, but one that a trusted proxy tells.
func (g *Gate) Client(remote string, h http.Header) (client netip.Addr, told bool) {
	conn := AddrOf(remote)
	if len(g.Trusted) > 0 && g.Trusted.Trusts(conn) {
		if client, told = g.Trusted.Client(h); told {
			return client, true
		}
	}
	return conn, false
}

// Admit decides about a request of that client. Done must be called once it has been answered if it
// is admitted. A refusal isn't counted, so a request may be put to the question twice.
func (g *Gate) Admit(client netip.Addr) Verdict {
	v := g.Enter()
	if v.Reason == Admitted && g.clients != nil {
		if wait := g.clients.take(client); wait > 0 {
			g.Done()
			return Verdict{ClientRate, wait}
		}
	}
	return v
}

// Enter is Admit for a request that no client has sent: an operator has it made, for whom no rate
// is set.
func (g *Gate) Enter() Verdict {
	if g.most > 0 && g.inFlight.Add(1) > g.most {
		g.inFlight.Add(-1)
		return Verdict{Requests, busyWait}
	}
	return Verdict{}
}

// Done notes that an admitted request has been answered.
func (g *Gate) Done() {
	if g.most > 0 {
		g.inFlight.Add(-1)
	}
}

// Refuse counts a request that its client is told isn't taken on.
func (g *Gate) Refuse(r Reason) { g.refused[r].Add(1) }

// Refused is how many requests have been refused for that reason.
func (g *Gate) Refused(r Reason) int64 { return g.refused[r].Load() }
