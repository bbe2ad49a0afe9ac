package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/wire"
	"github.com/scurrycache/scurry/internal/wire/handshake"
)

// ErrUnreachable is wrapped by the error of a request to a peer to which there is no connection.
var ErrUnreachable = errors.New("peer can't be reached")

// Peer is another node. Its methods may be called concurrently.
type Peer struct {
	name  string
	node  *Node
	ctx   context.Context
	stop  context.CancelFunc
	nudge chan struct{}
	conn  atomic.Pointer[wire.Client]
	counts

	// Guarded by the node's mu.
	state   State
	since   time.Time // of the state
	failure string    // why it isn't live
	silent  bool      // whether that state began because it said nothing
}

// The pauses between attempts to reach a peer.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
)

// newPeer begins to dial a peer. The node's mu is held.
func newPeer(n *Node, name string) *Peer {
	p := &Peer{name: name, node: n, state: Unknown, since: time.Now(),
		nudge: make(chan struct{}, 1)}
	p.ctx, p.stop = context.WithCancel(n.ctx)
	n.work.Go(p.keepConnected)
	return p
}

// Name is the address that p is dialed by.
func (p *Peer) Name() string { return p.name }

// keepConnected keeps a connection to p while it is a member. After each failure in a row it waits
// longer before it tries again, unless p is heard of; the wait varies by a quarter, so that nodes
// that lost p at once don't dial it at once.
func (p *Peer) keepConnected() {
	for pause := firstPause; p.ctx.Err() == nil; pause = min(2*pause, lastPause) {
		if p.connect() > lastPause { // else it hangs up as soon as it is reached
			pause = firstPause
		}
		select {
		case <-time.After(pause + time.Duration((rand.Float64()-.5)/2*float64(pause))):
		case <-p.nudge:
		case <-p.ctx.Done():
		}
	}
}

// connect dials p, and returns when the connection has ended, with how long it lasted.
func (p *Peer) connect() time.Duration {
	c, err := p.dial()
	if err != nil {
		p.failed(err)
		return 0
	}
	since := time.Now()
	defer context.AfterFunc(p.ctx, c.CloseIdle)() // requests to what is no member any more may end
	defer context.AfterFunc(p.node.ctx, c.Close)()
	<-c.Done()
	return time.Since(since)
}

// dial connects to p and takes it into the ring.
func (p *Peer) dial() (*wire.Client, error) {
	n := p.node
	ctx, cancel := context.WithTimeout(p.ctx, n.greetTime())
	defer cancel()
	dial := new(net.Dialer).DialContext
	if config := n.credentials.Load().TLS; config != nil {
		dial = (&tls.Dialer{Config: config}).DialContext
	}
	conn, err := dial(ctx, "tcp", p.name)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(p.ctx, func() { _ = conn.Close() })()
	theirs, err := n.greet(conn, p.name)
	if err == nil {
		err = p.recognise(theirs)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	n.compare(theirs)
	return p.join(conn, theirs.Instance)
}

// recognise returns a refusal if a node that was dialed as p isn't p.
func (p *Peer) recognise(theirs handshake.Hello) error {
	n := p.node
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case theirs.Name == "" || theirs.Name == p.name:
		return nil
	// one of several addresses of a node whose name was looked up
	case n.cfg.Self == "" && n.peers[theirs.Name] != nil:
		return refusal{fmt.Errorf("%w %s", errAlias, theirs.Name)}
	}
	return refusal{fmt.Errorf("it calls itself %s, and thinks the nodes are [%s], while this node "+
		"dials it as %s, and thinks they are [%s]: give it --self %s", theirs.Name,
		strings.Join(theirs.Members, " "), p.name, strings.Join(n.fixed, " "), p.name)}
}

// join makes p live.
func (p *Peer) join(conn net.Conn, instance string) (*wire.Client, error) {
	n := p.node
	var c *wire.Client
	state := Live // what p comes to be when it has been greeted
	cfg := n.cfg.Wire
	cfg.Traffic = &p.traffic
	cfg.Leaving = func() {
		n.mu.Lock() // c is known from now on
		defer n.mu.Unlock()
		if state = Leaving; p.conn.Load() == c {
			p.setLocked(Leaving, nil)
		}
	}
	cfg.Lost = func(err error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		state = Down
		n.contact.ended(instance, c.LastHeard())
		if p.conn.CompareAndSwap(c, nil) {
			p.setLocked(Down, err)
		}
	}
	n.mu.Lock()
	c = wire.NewClient(conn, cfg)
	n.contact.connections++
	n.mu.Unlock()
	if err := p.greet(c); err != nil {
		c.Close()
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if state == Down {
		return nil, errors.New("it has hung up")
	}
	p.conn.Store(c)
	p.setLocked(state, nil)
	return c, nil
}

// greet says to p what comes before all other requests.
func (p *Peer) greet(c *wire.Client) error {
	ctx, cancel := context.WithTimeout(p.ctx, p.node.greetTime())
	defer cancel()
	err := p.node.cfg.Greet(func(message []byte) ([]byte, error) {
		s, err := c.Open(ctx, message, 0)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		reply, _, err := s.Next()
		return reply, err
	})
	if err != nil {
		return fmt.Errorf("tell it what it has missed: %w", err)
	}
	return nil
}

// failed notes that p couldn't be reached.
func (p *Peer) failed(err error) {
	p.node.mu.Lock()
	defer p.node.mu.Unlock()
	state := Down
	switch {
	case errors.Is(err, errItself):
		p.node.learnNameLocked(p.name)
		state = Itself
	case refuses(err):
		state = Refused
	}
	p.setLocked(state, err)
}

// setLocked makes state p's, and logs the change if p is a member.
func (p *Peer) setLocked(state State, err error) {
	failure := ""
	if err != nil {
		failure = err.Error()
	}
	if (state == p.state && failure == p.failure) || p.node.ctx.Err() != nil {
		return
	}
	was := p.state
	if state != was {
		p.since, p.silent = time.Now(), errors.Is(err, wire.ErrSilent)
	}
	p.state, p.failure = state, failure
	if p.node.peers[p.name] == p {
		p.node.rebuildRingLocked()
		p.logState(was, err)
	}
}

// Status is what is known of p.
func (p *Peer) Status() Status {
	p.node.mu.Lock()
	defer p.node.mu.Unlock()
	return Status{
		Name: p.name, State: p.state, Since: p.since, Failure: p.failure,
		Silent:   p.silent,
		Requests: p.asks.Load(), Errors: p.errors.Load(),
		Latency: time.Duration(p.latency.Load()), Latencies: p.latencies.Read(),
		BytesIn: p.traffic.In.Load(), BytesOut: p.traffic.Out.Load(),
	}
}

// logState logs the change of p's state.
func (p *Peer) logState(was State, err error) {
	level, text := zerolog.WarnLevel, ""
	switch {
	case p.state == Live:
		level, text = zerolog.InfoLevel, "peer joined"
	case p.state == Leaving:
		level, text = zerolog.InfoLevel, "peer leaves"
	case p.state == Down && was == Leaving:
		p.node.cfg.Log.Info().Str("peer", p.name).Msg("peer left")
	case p.state == Down && was != Down:
		text = "peer down"
	case p.state == Refused && !errors.Is(err, errAlias):
		text = "peer refused"
	case p.state == Itself && p.node.cfg.Self != "":
		text = "one of the peers is this node itself: give it as --self"
	}
	if text != "" {
		p.node.cfg.Log.WithLevel(level).Str("peer", p.name).
			Strs("ring", p.node.ring.Load().names).Err(err).Msg(text)
	}
}

// settled is how long a ring must have been the same for its differing from another's to be more
// than a change on its way.
const settled = 10 * time.Second

// Disagrees notes that p has said that it isn't the owner of what was requested, and what its ring
// is. Where that lasts, the nodes were given different lists, or can't all reach each other.
func (p *Peer) Disagrees(theirs []string) {
	n := p.node
	if r := n.ring.Load(); time.Since(r.since) > settled {
		n.warnOfLists("ring", p.name, r.names, theirs, "this peer has other nodes in its ring: "+
			"see that all are told the same and reach each other, or files will be fetched more "+
			"than once")
	}
}
