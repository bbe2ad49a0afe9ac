package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/scurrycache/scurry/internal/hostport"
)

var errClosed = errors.New("gossip is closed")

// GossipConfig says how a node gossips. PeerAddr and Listen must be set.
type GossipConfig struct {
	// PeerAddr is this node's peer address, which it announces to the others, and its name among
	// them. No two nodes may have the same.
	PeerAddr string

	// Listen is the host:port for gossip, over TCP and UDP. The host may be empty for all
	// interfaces. Port 0 picks a free one.
	Listen string

	// Advertise is the host:port at which other nodes reach Listen. Default: Listen's host, or
	// PeerAddr's if Listen has none, and the port that is listened on.
	Advertise string

	// Join is where some of the other nodes gossip; this one may be among them. Nothing there need
	// be running yet. A name stands for all its addresses. If empty, this node waits for others to
	// join it.
	Join []string

	// Key, if not empty, encrypts all gossip, and keeps out processes that don't have it: 16, 24 or
	// 32 bytes, the same for all nodes. Without it, any process that reaches Listen can be a
	// member.
	Key []byte

	// Probe is how often each node asks another for a sign of life. A node that is gone leaves the
	// list after about 5 of them. Default: 1 second.
	Probe time.Duration

	// Log, if not nil, gets memberlist's log. Problem, if not nil, is called with what keeps nodes
	// apart, once while it lasts. Both must return soon, mustn't call the Gossip, may be called
	// concurrently, and aren't called once Close has returned.
	Log     func(level slog.Level, line string)
	Problem func(error)
}

// Gossip is the list of the nodes that find each other by gossip: each announces the nodes that it
// knows, and finds out which are gone. Its methods may be called concurrently.
//
// All nodes are in the list, this one too, but for those that have left and those that gave no sign
// of life for some time. A node that comes back, with the same name or another, is in the list
// again.
type Gossip struct {
	cfg         GossipConfig // with its defaults
	list        *memberlist.Memberlist
	roster      roster
	own         netip.AddrPort // where the others reach it
	out         *outlet
	problems    problems
	base        context.Context // ends at Close
	cancel      context.CancelFunc
	stopJoining context.CancelFunc
	wg          sync.WaitGroup

	watch   sync.Once
	watched chan struct{} // closed by the first Watch
	tried   chan struct{} // closed when all addresses to join have been tried once

	mu sync.Mutex // held by Leave and Close
}

// OpenGossip begins to listen; it joins the others at the first Watch. The Gossip must be closed.
func OpenGossip(cfg GossipConfig) (*Gossip, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	cfg.Key, cfg.Join = slices.Clone(cfg.Key), slices.Clone(cfg.Join)
	cfg.Probe = cmp.Or(cfg.Probe, time.Second)
	g := &Gossip{
		cfg: cfg, out: &outlet{log: cfg.Log, problem: cfg.Problem},
		watched: make(chan struct{}), tried: make(chan struct{}),
	}
	g.problems.notify = g.out.notify
	g.roster = roster{problems: &g.problems, members: map[string]netip.AddrPort{}}
	g.base, g.cancel = context.WithCancel(context.Background())
	if err := g.open(); err != nil {
		g.cancel()
		return nil, fmt.Errorf("gossip: %w", err)
	}
	ctx, cancel := context.WithCancel(g.base)
	g.stopJoining = cancel
	g.wg.Go(func() { g.join(ctx) })
	return g, nil
}

func (c *GossipConfig) check() error {
	if _, _, err := hostport.SplitNode(c.PeerAddr, wantAddr); err != nil {
		return fmt.Errorf("peer address: %w", err)
	}
	if _, _, err := hostport.Split(c.Listen, wantAddr); err != nil {
		return fmt.Errorf("address to listen on: %w", err)
	}
	if _, _, err := hostport.SplitNode(cmp.Or(c.Advertise, c.PeerAddr), wantAddr); err != nil {
		return fmt.Errorf("address to advertise: %w", err)
	}
	for _, addr := range c.Join {
		if _, _, err := hostport.SplitNode(addr, wantAddr); err != nil {
			return fmt.Errorf("address to join: %w", err)
		}
	}
	if len(c.Key) > 0 && memberlist.ValidateKey(c.Key) != nil {
		return fmt.Errorf("expected a key of 16, 24 or 32 bytes, not %d", len(c.Key))
	}
	return nil
}

// Addr is where other nodes reach this one's gossip: the Advertise of its configuration, resolved.
func (g *Gossip) Addr() string {
	return g.own.String()
}

// Watch joins the others, in the background, until Leave or Close. It tries those that don't answer
// again, also later on, so that two halves of a cluster that lost each other join again. The first
// list comes when all addresses to join have been tried once, or after one Probe; it has only this
// node until another one answers.
//
// Several Watches may go on at a time. When the Gossip is closed, they end with an error.
func (g *Gossip) Watch(ctx context.Context, set func(nodes []string)) error {
	g.watch.Do(func() { close(g.watched) })
	select {
	case <-g.tried:
	case <-time.After(g.cfg.Probe):
	case <-g.base.Done():
	case <-ctx.Done():
	}
	t := notifier{set: set}
	for {
		nodes, changed := g.roster.peers()
		if ctx.Err() != nil {
			return nil
		}
		if g.base.Err() != nil {
			return errClosed
		}
		t.notify(nodes)
		select {
		case <-changed:
			pause(ctx, g.cfg.Probe/20) // others may come with it
		case <-g.base.Done():
		case <-ctx.Done():
		}
	}
}

// Leave announces to the others that this node leaves, and waits until that has been sent, no
// longer than timeout. From then on the node isn't in its own list either. It goes on listening
// until Close, which should follow.
func (g *Gossip) Leave(timeout time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.base.Err() != nil {
		return errClosed
	}
	g.stopJoining()
	if err := g.list.Leave(max(timeout, 1)); err != nil { // 0 would be for ever
		return fmt.Errorf("leave the cluster: the others may have to find out by themselves: %w",
			err)
	}
	return nil
}

// Close stops all gossip. Without a Leave before it, the others take this node for dead after some
// time. memberlist's own goroutines end within a few Probes; nothing of them is logged any more.
func (g *Gossip) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.base.Err() != nil {
		return nil
	}
	g.cancel()
	err := g.list.Shutdown()
	g.wg.Wait()
	g.out.shut()
	return err
}
