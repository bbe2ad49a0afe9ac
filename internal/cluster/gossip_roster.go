package cluster

import (
	"fmt"
	"net/netip"
	"sync"

	"github.com/hashicorp/memberlist"

	"github.com/scurrycache/scurry/internal/hostport"
)

// roster is the members that memberlist knows, according to its events: its own list changes while
// it is read. A member's name is its peer address.
//
// memberlist calls with its lock held, so the roster must not call back.
type roster struct {
	problems *problems

	mu      sync.Mutex
	members map[string]netip.AddrPort // where each gossips, by name
	changed bell
}

// peers returns the peer addresses of the members, and a channel that is closed when they change.
func (r *roster) peers() ([]string, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var nodes []string
	for name := range r.members {
		if _, _, err := hostport.SplitNode(name, wantAddr); err == nil {
			nodes = append(nodes, name)
		}
	}
	return nodes, r.changed.waitLocked()
}

// alone reports whether there is no other node.
func (r *roster) alone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.members) <= 1
}

// has reports whether a member gossips at addr.
func (r *roster) has(addr netip.AddrPort) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, at := range r.members {
		if at == addr {
			return true
		}
	}
	return false
}

// NotifyJoin implements memberlist.EventDelegate.
func (r *roster) NotifyJoin(n *memberlist.Node) {
	ip, _ := netip.AddrFromSlice(n.Addr)
	at := netip.AddrPortFrom(ip.Unmap(), n.Port)
	if _, _, err := hostport.SplitNode(n.Name, wantAddr); err != nil {
		r.problems.report("address "+n.Name, fmt.Errorf(
			"node %.100q at %v isn't named by its peer address, so it is left out: %w",
			n.Name, at, err))
	}
	r.problems.reported.Forget("name " + n.Name)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[n.Name] = at
	r.changed.ringLocked()
}

// NotifyUpdate implements memberlist.EventDelegate.
func (r *roster) NotifyUpdate(n *memberlist.Node) { r.NotifyJoin(n) }

// NotifyLeave implements memberlist.EventDelegate.
func (r *roster) NotifyLeave(n *memberlist.Node) {
	r.problems.reported.Forget("address " + n.Name)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, n.Name)
	r.changed.ringLocked()
}

// NotifyConflict implements memberlist.ConflictDelegate.
func (r *roster) NotifyConflict(known, other *memberlist.Node) {
	r.problems.report("name "+other.Name, fmt.Errorf(
		"two nodes are called %.100q, at %s and at %s: give each an address of its own by "+
			"--self (one that has just moved is let in when its old address is found dead)",
		other.Name, known.Address(), other.Address()))
}
