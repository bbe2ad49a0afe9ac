// Package peer makes this process one of several nodes that share the keys of what they store.
//
// Each key has one owner, which all nodes find on the same ring. A Node keeps connections to its
// peers, lets theirs in, and has in its ring those that live. A message goes out by Peer.Open and
// comes back as a Stream; those of the peers come to what Start was given. What is requested, and
// what requests and responses mean, is the caller's business.
//
//	Owner(routing key) ─► ring ─► Peer.Open ─► wire ─► the peer's Serve
package peer

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/once"
	"github.com/scurrycache/scurry/internal/wire"
	"github.com/scurrycache/scurry/internal/wire/handshake"
)

// NodeConfig says which node a Node is and how it talks to its peers. Listener, Wire, Lease,
// Reunited, Greet and Log must be set.
type NodeConfig struct {
	// Listener accepts peers' connections; the Node closes it.
	Listener net.Listener

	// Self is the name by which the peers know this node. If empty, it is the member that turns out
	// to be this node when it is dialed, and until then the listener's address.
	Self string

	// TLS and Secret are the Credentials that the Node begins with.
	TLS    *tls.Config
	Secret []byte

	// Facts must be the same on all nodes that talk to each other.
	Facts []handshake.Fact

	// FixedMembers means that all nodes should have been given the same members, so that
	// differences are worth a warning.
	FixedMembers bool

	// Wire is how all connections work: Heartbeat, MissedHeartbeats, which must be set, Window and
	// MaxValue. The Node sets what else there is.
	Wire wire.Config

	// Lease is how long it does no harm not to hear from a peer. Reunited is called when contact
	// returns after longer than that.
	Lease    time.Duration
	Reunited func()

	// Greet is called when there is contact with a peer, after Reunited and before the peer gets
	// any other request. ask sends the peer a request and returns the first reply's message. If
	// there is an error, the connection ends.
	Greet func(ask func(message []byte) ([]byte, error)) error

	Log *zerolog.Logger
}

// Credentials are how nodes prove to each other that they are nodes.
type Credentials struct {
	// TLS, if not nil, is used both to dial and to accept.
	TLS *tls.Config

	// Secret is what both sides prove to know. It may be empty.
	Secret []byte
}

// Node is this process among its peers. Its methods may be called concurrently. Self, Ring,
// RingEpoch, Shares, Peers, Refused, Leave, WaitIdle and WaitForPeers of a nil Node are those of
// one that has no peers.
type Node struct {
	cfg      NodeConfig
	instance string
	ring     atomic.Pointer[ring]
	ctx      context.Context
	cancel   context.CancelFunc
	work     sync.WaitGroup
	serve    func(*wire.Call)
	refused  atomic.Int64

	credentials atomic.Pointer[Credentials]

	mu      sync.Mutex // guards all below, and changes of the ring
	self    string
	leaving bool
	members []string // as SetMembers was given them, and this node if it was told its name; sorted
	fixed   []string // members, if all nodes should have been given the same
	peers   map[string]*Peer
	// the connections by which peers send requests, and the peer's name
	inbound             map[*wire.Server]string
	greeting            []newcomer // the oldest first
	contact             contact
	warnings, strangers once.Set // what has been warned of
	past                []*ring  // the rings before the present one, the last one last
}

// NewNode makes a Node that owns all keys until Start. It must be closed.
func NewNode(cfg NodeConfig) *Node {
	n := &Node{
		cfg: cfg, instance: rand.Text(),
		self:    cmp.Or(cfg.Self, cfg.Listener.Addr().String()),
		contact: contact{any: time.Now(), each: map[string]time.Time{}},
		peers:   map[string]*Peer{}, inbound: map[*wire.Server]string{},
	}
	n.credentials.Store(&Credentials{cfg.TLS, cfg.Secret})
	if cfg.TLS != nil {
		n.cfg.Listener = tls.NewListener(cfg.Listener, &tls.Config{
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return n.credentials.Load().TLS, nil
			},
		})
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.ring.Store(newRing(n.self, nil))
	return n
}

// Start begins to accept connections. Each request of a peer is served by serve, in a goroutine of
// its own.
func (n *Node) Start(serve func(*wire.Call)) {
	n.serve = serve
	n.work.Go(n.accept)
}

// SetCredentials replaces the credentials, for the connections that are made from now on. There is
// a TLS in them if, and only if, there was one before.
func (n *Node) SetCredentials(c Credentials) { n.credentials.Store(&c) }

// SetMembers says which nodes there are. Those that are new are dialed; those that are no longer
// members leave the ring at once, and requests that are under way to them may end.
func (n *Node) SetMembers(names []string) {
	if n.cfg.Self != "" && len(names) > 0 {
		names = append(slices.Clone(names), n.cfg.Self)
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx.Err() != nil {
		return
	}
	if n.members = names; n.cfg.FixedMembers {
		n.fixed = names
	}
	for name, p := range n.peers {
		if !slices.Contains(names, name) {
			delete(n.peers, name)
			p.stop()
		}
	}
	for _, name := range names {
		if name != n.self && n.peers[name] == nil {
			n.peers[name] = newPeer(n, name)
		}
	}
	n.rebuildRingLocked()
}

// rebuildRingLocked makes the ring one of the peers that are live now, unless it is.
func (n *Node) rebuildRingLocked() {
	live := maps.Clone(n.peers)
	maps.DeleteFunc(live, func(_ string, p *Peer) bool { return p.state != Live })
	old := n.ring.Load()
	if n.self == old.self && maps.Equal(live, old.peers) {
		return
	}
	r := newRing(n.self, live)
	r.epoch, r.since = old.epoch+1, time.Now()
	past := append(slices.Clone(n.past), old)
	n.past = past[max(0, len(past)-maxPastRings):]
	n.ring.Store(r)
	n.cfg.Log.Debug().Strs("ring", r.names).Msg("ring")
}

// Owner names the node that owns a routing key, and reports whether it is this one.
func (n *Node) Owner(routingKey string) (name string, here bool) {
	r := n.ring.Load()
	name = r.hash.Get(routingKey)
	return name, r.peers[name] == nil
}

// Peer returns the peer with that name, or nil if it is none.
func (n *Node) Peer(name string) *Peer {
	if p := n.ring.Load().peers[name]; p != nil {
		return p
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.peers[name]
}

// RingEpoch counts the changes of the ring: as long as it is the same, so are all owners.
func (n *Node) RingEpoch() uint64 {
	if n == nil {
		return 0
	}
	return n.ring.Load().epoch
}

// maxPastRings is how many past rings are remembered.
const maxPastRings = 8

// OwnedSince reports whether a routing key has been this node's by all rings from that epoch on, as
// far as they are remembered.
func (n *Node) OwnedSince(routingKey string, epoch uint64) bool {
	n.mu.Lock()
	past, ago := n.past, n.ring.Load().epoch-epoch
	n.mu.Unlock()
	if ago > uint64(len(past)) {
		return false
	}
	lost := func(r *ring) bool { return r.peers[r.hash.Get(routingKey)] != nil }
	return !slices.ContainsFunc(past[uint64(len(past))-ago:], lost)
}

// Ring is the names of the nodes that share the keys now, this one's among them.
func (n *Node) Ring() []string {
	if n == nil {
		return nil
	}
	return slices.Clone(n.ring.Load().names)
}

// Self is this node's name.
func (n *Node) Self() string {
	if n == nil {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.self
}

// Peers is all peers that are members now, by name.
func (n *Node) Peers() []*Peer {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.SortedFunc(maps.Values(n.peers), func(a, b *Peer) int {
		return strings.Compare(a.name, b.name)
	})
}

// Refused counts the connections that weren't let in.
func (n *Node) Refused() int64 {
	if n == nil {
		return 0
	}
	return n.refused.Load()
}

// Leave tells the peers that this node is about to stop, so that they send it no new requests.
// Those that it has already, it goes on serving. Peers may still connect, and are told as well.
func (n *Node) Leave() {
	if n == nil {
		return
	}
	n.mu.Lock()
	n.leaving = true
	greeting := slices.Clone(n.greeting)
	n.mu.Unlock()
	// a dialer has it that it is in as soon as its part of the greeting is over
	for _, c := range greeting {
		<-c.done
	}
	var told sync.WaitGroup
	n.mu.Lock()
	for s := range n.inbound {
		told.Go(s.Leave)
	}
	n.mu.Unlock()
	told.Wait() // no longer than it takes to find out that a peer is dead
}

// WaitIdle waits until nothing is being served to peers, or ctx ends. It is for after Leave: before
// it, new requests come.
func (n *Node) WaitIdle(ctx context.Context) error {
	if n == nil {
		return nil
	}
	quiet := 0 // for a while, since a peer that reads on may request the next part
	err := poll(ctx, func() bool {
		if quiet++; n.serving() > 0 {
			quiet = 0
		}
		return quiet > 5
	})
	if err != nil {
		return fmt.Errorf("%d responses to other nodes: %w", n.serving(), err)
	}
	return nil
}

// WaitForPeers waits until every member has been dialed once, or ctx or the node ends.
func (n *Node) WaitForPeers(ctx context.Context) error {
	undialed := func(p *Peer) bool { return p.Status().State == Unknown && p.ctx.Err() == nil }
	return poll(ctx, func() bool { return !slices.ContainsFunc(n.Peers(), undialed) })
}

// poll waits until done, or until ctx ends.
func poll(ctx context.Context, done func() bool) error {
	for !done() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// serving is how many requests of peers are without a complete response.
func (n *Node) serving() (calls int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for s := range n.inbound {
		calls += s.Calls()
	}
	return calls
}

// Close ends all connections and waits for what serves them. After Leave, every peer knows by then
// that this node has left.
func (n *Node) Close() {
	_ = n.cfg.Listener.Close()
	n.mu.Lock()
	leaving := n.leaving
	n.mu.Unlock()
	if leaving {
		n.Leave() // to those that have come since
	}
	n.mu.Lock()
	n.cancel()
	for _, c := range n.greeting {
		_ = c.conn.Close()
	}
	for s := range n.inbound {
		s.Close()
	}
	n.mu.Unlock()
	n.work.Wait()
}

// hello is what this node says of itself to what it has dialed, or to what has dialed it: then
// dialed is empty.
func (n *Node) hello(dialed string) handshake.Hello {
	n.mu.Lock()
	defer n.mu.Unlock()
	return handshake.Hello{Name: n.nameLocked(), Dialed: dialed, Instance: n.instance,
		Members: n.fixed, Facts: n.cfg.Facts}
}

// greet exchanges Hellos over conn, which was dialed by that name or else accepted. It returns an
// error if the other side can't be a peer.
func (n *Node) greet(conn net.Conn, dialed string) (handshake.Hello, error) {
	secret := n.credentials.Load().Secret
	theirs, err := handshake.Greet(conn, dialed != "", secret, n.hello(dialed), n.greetTime())
	if err != nil {
		return theirs, err
	}
	if theirs.Instance == n.instance {
		return theirs, errItself
	}
	if differs := handshake.Differ(n.cfg.Facts, theirs.Facts); len(differs) > 0 {
		return theirs, refusal{fmt.Errorf("the peer is set up otherwise: %s",
			strings.Join(differs, "; "))}
	}
	n.mu.Lock()
	apart := n.contact.apart(theirs.Instance, n.cfg.Lease)
	n.mu.Unlock()
	if apart { // before anything is served from what may have changed meanwhile
		n.cfg.Reunited()
	}
	return theirs, nil
}

// learnNameLocked takes a name by which this node has dialed itself, if it wasn't told its own. The
// others know it by this one, and if they know it by several, by the first.
func (n *Node) learnNameLocked(name string) {
	if n.cfg.Self == "" && (n.nameLocked() == "" || name < n.self) {
		n.self = name
		n.rebuildRingLocked()
	}
}

// nameLocked is the name that this node claims: none while it has yet to learn it.
func (n *Node) nameLocked() string {
	if n.cfg.Self == "" && !slices.Contains(n.members, n.self) {
		return ""
	}
	return n.self
}

// compare warns of a peer that was given other members than this node.
func (n *Node) compare(theirs handshake.Hello) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fixed != nil && theirs.Members != nil {
		n.warnOfLists("list", theirs.Name, n.fixed, theirs.Members, "this peer was given another "+
			"list of nodes: give all nodes the same, or files will be fetched more than once")
	}
}

// warnOfLists warns, once, of a peer whose list of nodes isn't this node's.
func (n *Node) warnOfLists(about, peer string, ours, theirs []string, text string) {
	if !slices.Equal(ours, theirs) &&
		n.warnings.First(append([]string{about, peer}, theirs...)...) {
		n.cfg.Log.Warn().Str("peer", peer).Strs("ours", few(ours)).Strs("theirs", few(theirs)).
			Msg(text)
	}
}

// deathTimeout is how long a peer is silent until it counts as dead.
func (n *Node) deathTimeout() time.Duration {
	return n.cfg.Wire.Heartbeat * time.Duration(n.cfg.Wire.MissedHeartbeats)
}

// greetTime is how long both sides may take to prove that they are nodes.
func (n *Node) greetTime() time.Duration { return max(n.deathTimeout(), 2*time.Second) }

// few is list, cut to what fits into a line of log: it may be a peer's.
func few(list []string) []string {
	short := slices.Clone(list[:min(len(list), 64)])
	for i, s := range short {
		short[i] = s[:min(len(s), 256)]
	}
	return short
}
