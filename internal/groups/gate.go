package groups

import "sync"

// gate keeps a key from being requested from a peer while it is being served to one. Where two
// nodes take each other for the owner of a key, because their rings differ for a moment, either
// would wait for the other's flight, and both for ever:
//
//	A: a client's Get ─► request to B    B: a client's Get ─► request to A
//	B: A's request joins B's flight      A: B's request joins A's flight
//
// With the gate one of the two requests is refused, and the node whose request is refused loads the
// key itself. A look at the ring wouldn't do: it may change between the look and the flight.
type gate struct {
	mu    sync.Mutex
	under map[string]int // requests for each key: inbound ones if above zero, else outbound
}

// The ways in which a key is requested.
const (
	inbound  = 1  // a peer's request, which is being served
	outbound = -1 // this node's request, which a peer is serving
)

// enter counts one request for key, unless it is requested the other way. Every true must be paired
// with a leave.
func (g *gate) enter(key string, way int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.under == nil {
		g.under = map[string]int{}
	}
	if g.under[key]*way < 0 {
		return false
	}
	g.under[key] += way
	return true
}

func (g *gate) leave(key string, way int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.under[key] -= way; g.under[key] == 0 {
		delete(g.under, key)
	}
}
