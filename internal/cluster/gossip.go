package cluster

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/rs/zerolog"
)

// GossipConfig says how a node gossips. PeerAddr and Listen must be set. The addresses and the key
// are valid.
type GossipConfig struct {
	// PeerAddr is this node's peer address, which it announces to the others, and its name among
	// them. No two nodes may have the same.
	PeerAddr string

	// Listen is the host:port for gossip, over TCP and UDP. The host may be empty for all
	// interfaces; the others then reach it at PeerAddr's host. Port 0 picks a free one.
	Listen string

	// Join is where some of the other nodes gossip; this one may be among them. Nothing there need
	// be running yet. A name stands for all its addresses. If empty, this node waits for others to
	// join it.
	Join []string

	// Keys, if there are any, keep out processes that have none of them: 16, 24 or 32 bytes each.
	// The first one encrypts all gossip of this node, so that all nodes must have it; the others
	// decrypt as well. Without keys, any process that reaches Listen can be a member.
	Keys [][]byte

	// Probe is how often each node asks another for a sign of life. A node that is gone leaves the
	// list after about 5 of them. Default: 1 second.
	Probe time.Duration

	// Log gets what keeps nodes apart, once while it lasts, and until Close memberlist's own lines.
	Log zerolog.Logger

	advertise netip.AddrPort // for tests: where the others reach Listen
}

// Gossip is the list of the nodes that find each other by gossip: each announces the nodes that it
// knows, and finds out which are gone. Watch and Addr may be called concurrently with all methods,
// Leave not after Close.
//
// All nodes are in the list, this one too, but for those that have left and those that gave no sign
// of life for some time. A node that comes back, with the same name or another, is in the list
// again.
type Gossip struct {
	cfg     GossipConfig // with its defaults
	list    *memberlist.Memberlist
	keyring *memberlist.Keyring // nil without keys
	members members
	addr    string        // where the others reach it
	tried   chan struct{} // closed when all addresses to join have been tried once

	base        context.Context // ends at Close
	cancel      context.CancelFunc
	stopJoining context.CancelFunc
}

// OpenGossip begins to listen, and to join the others. It tries those that don't answer again, also
// later on, so that two halves of a cluster that lost each other join again. The Gossip must be
// closed. An error says why Listen can't be listened on.
func OpenGossip(cfg GossipConfig) (*Gossip, error) {
	cfg.Probe = cmp.Or(cfg.Probe, time.Second)
	g := &Gossip{cfg: cfg, tried: make(chan struct{})}
	g.members.at = map[string]netip.AddrPort{}
	g.members.problems = problems{log: cfg.Log, message: "gossip has a problem"}
	g.base, g.cancel = context.WithCancel(context.Background())
	if err := g.open(); err != nil {
		g.cancel()
		return nil, err
	}
	joining, stop := context.WithCancel(g.base)
	g.stopJoining = stop
	go g.join(joining) // ends within memberlist's TCPTimeout after Leave or Close
	return g, nil
}

// Addr is where other nodes reach this one's gossip.
func (g *Gossip) Addr() string { return g.addr }

// Watch gives the first list when all addresses to join have been tried once, or after one Probe;
// it has only this node until another one answers. Several Watches may go on at a time.
func (g *Gossip) Watch(ctx context.Context, set func(nodes []string)) error {
	select {
	case <-g.tried:
	case <-time.After(g.cfg.Probe):
	case <-ctx.Done():
	}
	g.members.roster.watch(ctx, g.cfg.Probe/20, set)
	return nil
}

// Leave announces to the others that this node leaves, and waits until that has been sent, no
// longer than timeout. From then on the node isn't in its own list either. It goes on listening
// until Close, which should follow.
func (g *Gossip) Leave(timeout time.Duration) error {
	g.stopJoining()
	if err := g.list.Leave(max(timeout, 1)); err != nil { // 0 would be for ever
		return fmt.Errorf("leave the cluster: the others may have to find out by themselves: %w",
			err)
	}
	return nil
}

// Close stops all gossip; lists don't change any more. Without a Leave before it, the others take
// this node for dead after some time. memberlist's own goroutines end within a few Probes.
func (g *Gossip) Close() error {
	g.cancel()
	return g.list.Shutdown()
}
