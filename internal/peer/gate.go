package peer

import "sync"

// gate keeps a key from being asked of a peer while it is being answered to one. Where two nodes take each other for the
// owner of a key, because their rings differ for a moment, either would wait for the other's flight, and both for ever:
//
//	A: a client's Get ─► asks B          B: a client's Get ─► asks A
//	B: A's ask joins B's own flight      A: B's ask joins A's own flight
//
// With the gate one of the two asks is refused, and whoever is refused loads the key itself. The ring can't be asked in
// its place: it may change between the question and the flight.
type gate struct {
	mu  sync.Mutex
	in  map[string]int // asks of peers that are being answered
	out map[string]int // asks of ours that peers are answering
}

// enter counts one ask in or out of key, unless the other direction is taken. Every true must be paired with a leave.
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
