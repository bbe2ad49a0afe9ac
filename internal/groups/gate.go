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
	mu  sync.Mutex
	in  map[string]int // requests of peers that are being served
	out map[string]int // requests of this node that peers are serving
}

// enter counts one request in or out of key, unless the other direction is taken. Every true must
// be paired with a leave.
func (g *gate) enter(inbound bool, key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.in == nil {
		g.in, g.out = map[string]int{}, map[string]int{}
	}
	mine, other := g.in, g.out
	if !inbound {
		mine, other = other, mine
	}
	if other[key] > 0 {
		return false
	}
	mine[key]++
	return true
}

func (g *gate) leave(inbound bool, key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	mine := g.in
	if !inbound {
		mine = g.out
	}
	if mine[key]--; mine[key] == 0 {
		delete(mine, key)
	}
}
