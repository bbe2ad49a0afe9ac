package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

var errClosed = errors.New("gossip is closed")

// GossipConfig says how a node gossips. PeerAddr and Listen must be set.
type GossipConfig struct {
	// PeerAddr is this node's peer address, which it announces to the others.
	PeerAddr string

	// Name is what the nodes call this one. No two may have the same. Default: PeerAddr.
	Name string

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

	// Key, if not empty, encrypts all gossip, and keeps out processes that don't have it: 16, 24 or 32
	// bytes, the same for all nodes. Without it, any process that reaches Listen can be a member.
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

// Gossip is the nodes that find each other by gossip: each announces the nodes that it knows, and
// finds out which are gone. Its methods may be called concurrently.
//
// All nodes are in the list, this one too, but for those that have left and those that gave no sign
// of life for some time. A node that comes back, with the same name or another, is in the list
// again.
type Gossip struct {
	cfg         GossipConfig
	pace        pace
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

	mu     sync.Mutex // held by Leave and Close
	closed bool
}

// pace is the times that follow from GossipConfig's Probe.
type pace struct {
	probe    time.Duration
	alone    time.Duration // between tries to join while alone
	rejoin   time.Duration // and when not: some of the others may know nodes that this one lost
	patience time.Duration // for the first try, before Watch makes do with what is known
	settle   time.Duration // after a change, for those that come with it
}

func newPace(probe time.Duration) pace {
	if probe <= 0 {
		probe = time.Second
	}
	return pace{
		probe: probe, alone: 2 * probe, rejoin: 30 * probe, patience: probe, settle: probe / 20,
	}
}

// OpenGossip begins to listen; it joins the others at the first Watch. The Gossip must be closed.
func OpenGossip(cfg GossipConfig) (*Gossip, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	cfg.Key, cfg.Join = slices.Clone(cfg.Key), slices.Clone(cfg.Join)
	if cfg.Name == "" {
		cfg.Name = cfg.PeerAddr
	}
	g := &Gossip{
		cfg: cfg, pace: newPace(cfg.Probe),
		out:     &outlet{log: cfg.Log, problem: cfg.Problem},
		watched: make(chan struct{}), tried: make(chan struct{}),
	}
	g.problems.notify = g.out.notify
	g.roster.problems = &g.problems
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
	if _, _, err := splitPeer(c.PeerAddr); err != nil {
		return fmt.Errorf("peer address: %w", err)
	}
	if _, _, err := splitAddr(c.Listen); err != nil {
		return fmt.Errorf("address to listen on: %w", err)
	}
	if c.Advertise != "" {
		if _, _, err := splitPeer(c.Advertise); err != nil {
			return fmt.Errorf("address to advertise: %w", err)
		}
	}
	for _, addr := range c.Join {
		if _, _, err := splitPeer(addr); err != nil {
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

// Watch joins the others, in the background, until Leave or Close; for those that don't answer it
// tries again, also later on, so that the two halves of a cluster that lost each other find
// together. The first list comes when all addresses to join have been tried once, or after one
// Probe; until another node answers it is this node alone.
//
// Several Watches may go on at a time. When the Gossip is closed, they end with an error.
func (g *Gossip) Watch(ctx context.Context, set func(nodes []string)) error {
	g.watch.Do(func() { close(g.watched) })
	select {
	case <-g.tried:
	case <-time.After(g.pace.patience):
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
			pause(ctx, g.pace.settle)
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
	if g.closed {
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
// time. What memberlist has in hand ends within a few Probes, unheard.
func (g *Gossip) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	g.cancel()
	err := g.list.Shutdown()
	g.wg.Wait()
	g.out.shut()
	return err
}
