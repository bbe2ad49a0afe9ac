package peer

import "time"

// maxHeard bounds for how many instances of peers it is remembered when they were last heard of.
const maxHeard = 1000

// reunite reports a contact that returns after longer than a lease: with the node of that instance,
// or with any at all.
func (n *Node) reunite(instance string) {
	n.mu.Lock()
	heard, known := n.heard[instance]
	apart := (known && time.Since(heard) > n.cfg.Lease) || (!n.inContactLocked() && time.Since(n.contact) > n.cfg.Lease)
	delete(n.heard, instance)
	n.contact = time.Now()
	n.mu.Unlock()
	if apart && n.cfg.Reunited != nil {
		n.cfg.Reunited()
	}
}

// inContactLocked reports whether there is a connection to any peer, or from one.
func (n *Node) inContactLocked() bool {
	for _, p := range n.peers {
		if p.conn.Load() != nil {
			return true
		}
	}
	return len(n.inbound) > 0
}

// heardLocked notes that a connection to or from the node of that instance has ended, which was
// last heard of at t.
func (n *Node) heardLocked(instance string, t time.Time) {
	if len(n.heard) >= maxHeard {
		for other := range n.heard { // any one
			delete(n.heard, other)
			break
		}
	}
	if t.After(n.heard[instance]) {
		n.heard[instance] = t
	}
	if t.After(n.contact) {
		n.contact = t
	}
}

// watchClock notices that this process, or the machine, has stood still for longer than a lease:
// then it was out of contact, too, though what came meanwhile may make it seem that it has just
// heard of its peers.
func (n *Node) watchClock() {
	limit := max(n.cfg.Lease, n.deathTimeout()/2) // for less, no peer has missed this node
	every := limit / 4
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-tick.C:
		case <-n.ctx.Done():
			return
		}
		now := time.Now()
		// The monotonic clock stands still with the machine, the other one doesn't.
		if away := max(now.Sub(last), now.Round(0).Sub(last.Round(0))); away > limit+every && n.cfg.Reunited != nil {
			n.cfg.Reunited()
		}
		last = now
	}
}
