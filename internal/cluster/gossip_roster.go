package cluster

import (
	"fmt"
	"net/netip"
	"sync"

	"github.com/hashicorp/memberlist"
)

// roster is the members that memberlist knows, kept by its events: its own list may only be read
// while it holds still.
//
// memberlist calls with its lock held, so the roster must not call back.
type roster struct {
	problems *problems

	mu      sync.Mutex
	members map[string]member // by name
	changed bell
}

type member struct {
	peer   string         // its peer address; empty if it has announced none
	gossip netip.AddrPort // where it gossips
}

// peers is the peer addresses of the members, and a channel that is closed when they change.
func (r *roster) peers() ([]string, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var nodes []string
	for _, m := range r.members {
		if m.peer != "" {
			nodes = append(nodes, m.peer)
		}
	}
	return nodes, r.changed.waitLocked()
}

// alone reports whether there is no one else.
func (r *roster) alone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.members) <= 1
}

// has reports whether a member gossips at addr.
func (r *roster) has(addr netip.AddrPort) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.members {
		if m.gossip == addr {
			return true
		}
	}
	return false
}

// NotifyJoin implements memberlist.EventDelegate.
func (r *roster) NotifyJoin(n *memberlist.Node) {
	ip, _ := netip.AddrFromSlice(n.Addr)
	m := member{peer: string(n.Meta), gossip: netip.AddrPortFrom(ip.Unmap(), n.Port)}
	if _, _, err := splitPeer(m.peer); err != nil {
		r.problems.report("meta "+n.Name, fmt.Errorf(
			"node %.100q at %v doesn't say its peer address, so it is left out: %w",
			n.Name, m.gossip, err))
		m.peer = ""
	}
	r.problems.solved("name " + n.Name)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members == nil {
		r.members = map[string]member{}
	}
	r.members[n.Name] = m
	r.changed.ringLocked()
}

// NotifyUpdate implements memberlist.EventDelegate.
func (r *roster) NotifyUpdate(n *memberlist.Node) { r.NotifyJoin(n) }

// NotifyLeave implements memberlist.EventDelegate.
func (r *roster) NotifyLeave(n *memberlist.Node) {
	r.problems.solved("meta " + n.Name)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, n.Name)
	r.changed.ringLocked()
}

// NotifyConflict implements memberlist.ConflictDelegate.
func (r *roster) NotifyConflict(known, other *memberlist.Node) {
	r.problems.report("name "+other.Name, fmt.Errorf(
		"two nodes are called %.100q, at %s and at %s: give each a name of "+
			"its own (one that has just moved is let in when its old address is found dead)",
		other.Name, known.Address(), other.Address()))
}

// self is this node's peer address. As a memberlist.Delegate it is what the node announces.
type self string

// NodeMeta fits: a host name is shorter than memberlist's limit.
func (s self) NodeMeta(int) []byte { return []byte(s) }

func (self) NotifyMsg([]byte)                {}
func (self) GetBroadcasts(int, int) [][]byte { return nil }
func (self) LocalState(bool) []byte          { return nil }
func (self) MergeRemoteState([]byte, bool)   {}
