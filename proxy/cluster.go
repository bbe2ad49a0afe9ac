package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/scurrycache/scurry/internal/exchange"
	"github.com/scurrycache/scurry/internal/hostport"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/trace"
	"github.com/scurrycache/scurry/internal/wire"
	"github.com/scurrycache/scurry/internal/wire/handshake"
)

// Cluster makes a Proxy one of several nodes that share what they have stored: each resource has
// one node that owns it, asks the origin for it, and answers the others. The zero value makes a
// Proxy that is on its own.
//
// All nodes must have the same Origin base and the same sizes; nodes that differ in them don't work
// together, and say so in their logs.
type Cluster struct {
	// Listener accepts the other nodes' connections. The Proxy owns it and closes it. If nil, the
	// Proxy is on its own, and all else here must be zero.
	Listener net.Listener

	// Self is this node's name: the address by which the others dial it, written as in their lists.
	// Default: the Listener's address.
	Self string

	// Peers are the addresses of all nodes; this one's may be among them or not. All nodes should
	// have the same.
	Peers []string

	// Members tells which nodes there are if that changes. It replaces Peers.
	Members Members

	// Secret, if not empty, is what every node must prove to know when it connects. It has at least
	// 16 random bytes. It encrypts nothing; TLS does.
	Secret []byte

	// TLS, if not nil, is used to dial the other nodes and to accept their connections. It needs
	// Certificates, RootCAs and, with ClientAuth set to tls.RequireAndVerifyClientCert, ClientCAs.
	TLS *tls.Config

	// Insecure allows a Listener that isn't on loopback although there is neither a Secret nor TLS.
	Insecure bool

	// Lease is how long a node may answer from a copy of what another node owns without asking it
	// again. Default: 5 seconds.
	Lease time.Duration

	// Heartbeat is how often nodes that wait for each other give a sign of life, and
	// MissedHeartbeats after how many missing ones a node counts as dead. Defaults: 200
	// milliseconds, 4.
	Heartbeat        time.Duration
	MissedHeartbeats int
}

// Members tells which nodes a cluster has.
type Members interface {
	// Watch calls set with the addresses of all nodes, first at once and then whenever they change,
	// until ctx ends. set keeps the slice.
	Watch(ctx context.Context, set func(nodes []string)) error
}

// leastSecret is how many bytes a secret must have, so that it can't be guessed from a recorded
// greeting.
const leastSecret = 16

func (c Cluster) withDefaults() Cluster {
	setDefault(&c.Lease, 5*time.Second)
	setDefault(&c.Heartbeat, 200*time.Millisecond)
	setDefault(&c.MissedHeartbeats, 4)
	return c
}

// validate returns an error that says what is wrong with c.
func (c Cluster) validate() error {
	switch {
	case c.Listener == nil && (c.Self != "" || len(c.Peers) > 0 || c.Members != nil ||
		len(c.Secret) > 0 || c.TLS != nil):
		return errors.New("peers, but no listener for them: set Cluster.Listener")
	case c.Listener == nil:
		return nil
	case len(c.Peers) > 0 && c.Members != nil:
		return errors.New("both Cluster.Peers and Cluster.Members: set one of them")
	case len(c.Secret) > 0 && len(c.Secret) < leastSecret:
		return fmt.Errorf("the cluster's secret has %d bytes: it needs %d at least, "+
			"and random ones", len(c.Secret), leastSecret)
	case c.Lease < 0 || c.Heartbeat < 0 || c.MissedHeartbeats < 0:
		return errors.New("a negative Lease, Heartbeat or MissedHeartbeats of the cluster: leave " +
			"it at zero for the default")
	case c.TLS != nil && (c.TLS.ClientAuth != tls.RequireAndVerifyClientCert ||
		c.TLS.ClientCAs == nil || c.TLS.RootCAs == nil):
		return errors.New("TLS between nodes that doesn't prove who they are: set ClientAuth to " +
			"tls.RequireAndVerifyClientCert, ClientCAs and RootCAs in Cluster.TLS")
	case len(c.Secret) == 0 && c.TLS == nil && !c.Insecure && !loopback(c.Listener.Addr()):
		return fmt.Errorf("anyone who reaches %s could be a node of this cluster: set "+
			"Cluster.Secret or Cluster.TLS, or Cluster.Insecure if all who can reach it are "+
			"trusted", c.Listener.Addr())
	}
	for _, name := range append(slices.Clone(c.Peers), c.Self) {
		if name == "" {
			continue
		}
		if _, _, err := hostport.SplitNode(name, "HOST:PORT such as 10.0.0.1:8001"); err != nil {
			return fmt.Errorf("node address: %w", err)
		}
	}
	return nil
}

// loopback reports whether only this machine reaches addr.
func loopback(addr net.Addr) bool {
	a, ok := addr.(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// keyRules is the version of how keys are made, and of what nodes say of them.
const keyRules = "8"

// facts returns the settings that all nodes must have in common.
func (c Config) facts() []handshake.Fact {
	origin := "not a URL"
	if base, known := c.base(); known {
		shown := *base
		shown.User = nil
		origin = shown.String()
	}
	fact := func(name string, values ...any) handshake.Fact {
		return handshake.Fact{Name: name, Value: fmt.Sprint(values...)}
	}
	return []handshake.Fact{
		fact("origin", origin),
		fact("first chunk", c.FirstChunk),
		fact("largest chunk", c.MaxChunk),
		fact("slab", c.Slab),
		fact("key rules", keyRules, c.Keys.fact()),
		fact("caching rules", "targets ", c.Targets, ", group fields ", c.GroupFields,
			", No-Vary-Search ", c.NoVarySearch, ", private cookies ", c.PrivateCookies,
			", request directives ignored ", c.IgnoreRequestDirectives),
		fact("heartbeat", c.Cluster.MissedHeartbeats, " times ", c.Cluster.Heartbeat),
	}
}

// newRemote makes this process a node of its cluster. It returns nil if there is none.
func (c Config) newRemote(tracer *trace.Tracer) *exchange.Exchange {
	if c.Cluster.Listener == nil {
		return nil
	}
	k := c.Cluster
	log := c.Logger.With().Str("part", "cluster").Logger()
	return exchange.New(peer.NodeConfig{
		Listener: k.Listener, Self: k.Self, TLS: k.TLS, Secret: k.Secret, Facts: c.facts(),
		FixedMembers: k.Members == nil,
		Wire: wire.Config{
			Heartbeat: k.Heartbeat, MissedHeartbeats: k.MissedHeartbeats,
			Window: int(min(1<<20, max(c.Memory/64, 64<<10))), MaxValue: int(c.MaxChunk),
		},
		Lease: k.Lease, Log: &log,
	}, c.Now, tracer)
}

// followMembers connects to the other nodes, and follows the list of them.
func (p *Proxy) followMembers() {
	c := p.cfg.Cluster
	if p.remote == nil {
		return
	}
	p.remote.Start(p.store)
	if c.Members == nil {
		p.node.SetMembers(c.Peers)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	first, listed := context.WithCancel(context.Background())
	p.unwatch, p.listed = cancel, first.Done()
	p.watching.Go(func() {
		err := c.Members.Watch(ctx, func(nodes []string) {
			p.node.SetMembers(nodes)
			listed()
		})
		if err != nil && ctx.Err() == nil {
			p.cfg.Logger.Error().Err(err).
				Msg("can't learn who the nodes are; going on with those that are known")
		}
	})
}

// Leave tells the other nodes that this one is about to stop, so that they send it no new requests.
// It goes on serving those that it has, and clients. A server calls it before it begins to drain.
func (p *Proxy) Leave() { p.node.Leave() }

// WaitIdle waits until no request of another node is being served, or until ctx ends. A server
// calls it after Leave, when its own clients are served.
func (p *Proxy) WaitIdle(ctx context.Context) error { return p.node.WaitIdle(ctx) }

// WaitForPeers waits until the nodes are known, and each of them has been reached or found
// unreachable, once; or until ctx ends.
func (p *Proxy) WaitForPeers(ctx context.Context) error {
	if p.listed != nil {
		select {
		case <-p.listed:
		case <-ctx.Done():
		}
	}
	return p.node.WaitForPeers(ctx)
}
