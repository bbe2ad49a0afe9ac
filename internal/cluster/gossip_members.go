package cluster

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/hashicorp/memberlist"

	"github.com/scurrycache/scurry/internal/hostport"
)

// members is the nodes that memberlist knows, according to its events: its own list changes while
// it is read. A node's name is its peer address.
//
// memberlist calls with its lock held, so members must not call back.
type members struct {
	problems problems
	roster   roster // those with the names of peer addresses

	mu sync.Mutex
	at map[string]netip.AddrPort // where each gossips, by name
}

// alone reports whether there is no other node.
func (m *members) alone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.at) <= 1
}

// has reports whether a member gossips at addr.
func (m *members) has(addr netip.AddrPort) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(slices.Collect(maps.Values(m.at)), addr)
}

// NotifyJoin implements memberlist.EventDelegate.
func (m *members) NotifyJoin(n *memberlist.Node) {
	ip, _ := netip.AddrFromSlice(n.Addr)
	at := netip.AddrPortFrom(ip.Unmap(), n.Port)
	if err := named(n.Name); err != nil {
		m.problems.report("address "+n.Name, fmt.Errorf(
			"node %.100q at %v isn't named by its peer address, so it is left out: %w",
			n.Name, at, err))
	}
	m.problems.reported.Forget("name " + n.Name)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at[n.Name] = at
	m.updateLocked()
}

// NotifyUpdate implements memberlist.EventDelegate.
func (m *members) NotifyUpdate(n *memberlist.Node) { m.NotifyJoin(n) }

// NotifyLeave implements memberlist.EventDelegate.
func (m *members) NotifyLeave(n *memberlist.Node) {
	m.problems.reported.Forget("address " + n.Name)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.at, n.Name)
	m.updateLocked()
}

func (m *members) updateLocked() {
	nodes := slices.Collect(maps.Keys(m.at))
	m.roster.set(slices.DeleteFunc(nodes, func(name string) bool { return named(name) != nil }))
}

// named returns an error if name isn't a peer address.
func named(name string) error {
	_, _, err := hostport.SplitNode(name, wantAddr)
	return err
}

// NotifyConflict implements memberlist.ConflictDelegate.
func (m *members) NotifyConflict(known, other *memberlist.Node) {
	m.problems.report("name "+other.Name, fmt.Errorf(
		"two nodes are called %.100q, at %s and at %s: give each an address of its own by "+
			"--self (one that has just moved is let in when its old address is found dead)",
		other.Name, known.Address(), other.Address()))
}
