package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/wire"
	"github.com/scurrycache/scurry/internal/wire/handshake"
)

// State is what is known of a peer.
type State = string

// The states of a peer. Only those that are Live are in the ring.
const (
	Unknown State = "unknown" // it hasn't been dialed to an end yet
	Live    State = "live"
	Leaving State = "leaving" // it has said that it is about to stop
	Down    State = "down"    // it can't be reached
	Refused State = "refused" // it is set up otherwise, or one of us doesn't know the secret
	Itself  State = "itself"  // it is this node
)

// ErrUnreachable is wrapped by the error of a request to a peer to which there is no connection.
var ErrUnreachable = errors.New("peer can't be reached")

// Peer is another node. Its methods may be called concurrently.
type Peer struct {
	name   string
	node   *Node
	ctx    context.Context
	stop   context.CancelFunc
	nudge  chan struct{}
	tried  chan struct{} // closed when it has been dialed once, with whatever outcome
	once   sync.Once
	conn   atomic.Pointer[wire.Client]
	counts counts

	// Guarded by the node's mu.
	state   State
	since   time.Time // of the state
	failure string    // why it isn't live
	inbound *wire.Server
	removed bool // it is no member any more
}

// The pauses between attempts to reach a peer.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
)

// newPeer begins to dial a peer. The node's mu is held.
func newPeer(n *Node, name string) *Peer {
	p := &Peer{name: name, node: n, state: Unknown, since: time.Now(),
		nudge: make(chan struct{}, 1), tried: make(chan struct{})}
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
	p.once.Do(func() { close(p.tried) })
}

// connect dials p, and returns when the connection has ended, with how long it lasted.
func (p *Peer) connect() time.Duration {
	a, err := p.dial()
	if err != nil {
		p.failed(err)
	}
	p.once.Do(func() { close(p.tried) })
	if err != nil {
		return 0
	}
	since := time.Now()
	select {
	case <-a.Done():
	case <-p.ctx.Done():
		p.drain(a)
	}
	in, out := a.Traffic()
	p.counts.in.Add(in)
	p.counts.out.Add(out)
	return time.Since(since)
}

// drain ends the connection to a peer that is no member any more, when the requests to it have
// ended.
func (p *Peer) drain(a *wire.Client) {
	a.CloseIdle()
	select {
	case <-a.Done():
	case <-p.node.ctx.Done():
		_ = a.Close()
		<-a.Done()
	}
}

// wake has p dialed at once.
func (p *Peer) wake() {
	select {
	case p.nudge <- struct{}{}:
	default:
	}
}

// dismiss is for a peer that is no member any more. The node's mu is held.
func (p *Peer) dismiss() {
	p.removed = true
	p.stop()
}

// dial connects to p and takes it into the ring.
func (p *Peer) dial() (*wire.Client, error) {
	n := p.node
	ctx, cancel := context.WithTimeout(p.ctx, n.greetTime())
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", p.name)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	raw := conn
	if n.cfg.TLS != nil {
		conn = tls.Client(conn, p.tlsConfig())
	}
	mine := n.hello()
	mine.Dialed = p.name
	theirs, err := handshake.Greet(conn, true, n.cfg.Secret, mine, n.greetTime())
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = p.recognise(theirs)
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	n.compare(theirs)
	return p.join(conn, theirs)
}

func (p *Peer) tlsConfig() *tls.Config {
	c := p.node.cfg.TLS.Clone()
	if c.ServerName == "" {
		c.ServerName, _, _ = net.SplitHostPort(p.name)
	}
	return c
}

var errItself = errors.New("it is this node itself")

// refusal is why a peer that was reached isn't talked to.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// recognise says what keeps a peer that has proved itself from being talked to, if anything.
func (p *Peer) recognise(theirs handshake.Hello) error {
	n := p.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if theirs.Instance == n.instance {
		// The others know this node by this name, and if they know it by several, by the first.
		if n.cfg.Self == "" && (!slices.Contains(n.members, n.self) || p.name < n.self) {
			n.self = p.name
			n.rebuildRingLocked()
		}
		return errItself
	}
	if err := n.differsLocked(theirs); err != nil {
		return refusal{err}
	}
	switch {
	case theirs.Name == "" || theirs.Name == p.name:
		return nil
	// one of several addresses of a node whose name was looked up
	case n.cfg.Self == "" && n.peers[theirs.Name] != nil:
		return refusal{fmt.Errorf("%w %s", errAlias, theirs.Name)}
	}
	return refusal{fmt.Errorf("it calls itself %s, and thinks the nodes are [%s], while this node "+
		"dials it as %s, and thinks they are [%s]: "+
		"give it --self %s", theirs.Name, strings.Join(theirs.Members,
		" "), p.name, strings.Join(n.fixedLocked(), " "), p.name)}
}

var errAlias = errors.New("it is another address of")

// join makes p live.
func (p *Peer) join(conn net.Conn, theirs handshake.Hello) (*wire.Client, error) {
	n := p.node
	n.reunite(theirs.Instance) // before anything is served from what may have changed meanwhile
	cfg := n.wireConfig()
	var a *wire.Client
	made := make(chan struct{})
	var ended, leaving bool // guarded by the node's mu
	cfg.Leaving = func() {
		<-made
		n.mu.Lock()
		defer n.mu.Unlock()
		if leaving = true; p.conn.Load() == a {
			p.setLocked(Leaving, nil)
		}
	}
	cfg.Lost = func(err error) {
		<-made
		n.mu.Lock()
		defer n.mu.Unlock()
		ended = true
		n.contact.ended(theirs.Instance, a.LastHeard())
		if p.conn.CompareAndSwap(a, nil) {
			p.setLocked(Down, err)
		}
	}
	a = wire.NewClient(conn, cfg)
	close(made)
	if err := p.greet(a); err != nil {
		_ = a.Close()
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if ended {
		return nil, errors.New("it has hung up")
	}
	p.conn.Store(a)
	if leaving {
		p.setLocked(Leaving, nil)
	} else {
		p.setLocked(Live, nil)
	}
	return a, nil
}

// greet says to p what comes before all other requests.
func (p *Peer) greet(a *wire.Client) error {
	n := p.node
	if n.cfg.Greet == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(p.ctx, n.greetTime())
	defer cancel()
	err := n.cfg.Greet(p.name, func(message []byte) ([]byte, error) {
		s, err := a.Open(ctx, message, 0)
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
	switch {
	case errors.Is(err, errItself):
		p.setLocked(Itself, err)
	case refuses(err):
		p.setLocked(Refused, err)
	default:
		p.setLocked(Down, err)
	}
}

// refuses reports whether err is that one of the two doesn't want to talk to the other, rather than
// that it can't be reached.
func refuses(err error) bool {
	_, refused := errors.AsType[refusal](err)
	_, version := errors.AsType[*handshake.VersionError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	return refused || version || certificate || alert || plain ||
		errors.Is(err, handshake.ErrSecret) || errors.Is(err, handshake.ErrForeign)
}

// forgetInbound notes that p has closed the connection by which it sends requests: it may have
// ended, and not yet been missed.
func (p *Peer) forgetInbound(a *wire.Server) {
	if p.inbound == a {
		p.inbound = nil
		in, out := a.Traffic()
		p.counts.in.Add(in)
		p.counts.out.Add(out)
	}
}

// setLocked makes state p's, and logs the change.
func (p *Peer) setLocked(state State, err error) {
	failure := ""
	if err != nil {
		failure = err.Error()
	}
	if (state == p.state && failure == p.failure) || p.node.closed {
		return
	}
	was := p.state
	if state != was {
		p.since = time.Now()
	}
	p.state, p.failure = state, failure
	if !p.removed {
		p.node.rebuildRingLocked()
		p.logState(was, err)
	}
}

// logState logs the change of p's state.
func (p *Peer) logState(was State, err error) {
	log := p.node.cfg.Log
	about := func(e *zerolog.Event, text string) {
		e.Str("peer", p.name).Strs("ring", p.node.ring.Load().names).Err(err).Msg(text)
	}
	switch p.state {
	case Live:
		about(log.Info(), "peer joined")
	case Leaving:
		about(log.Info(), "peer leaves")
	case Refused:
		if !errors.Is(err, errAlias) {
			about(log.Warn(), "peer refused")
		}
	case Down:
		if was == Leaving {
			log.Info().Str("peer", p.name).Msg("peer left")
		} else if was != Down {
			about(log.Warn(), "peer down")
		}
	case Itself:
		if p.node.cfg.Self != "" {
			about(log.Warn(), "one of the peers is this node itself: give it as --self")
		}
	}
}

// settled is how long a ring must have been the same for its differing from another's to be more
// than a change on its way.
const settled = 10 * time.Second

// Disagrees notes that p has said that it isn't the owner of what was requested, and what its ring
// is. Where that lasts, the nodes were given different lists, or can't all reach each other.
func (p *Peer) Disagrees(theirs []string) {
	n := p.node
	n.mu.Lock()
	defer n.mu.Unlock()
	ours := n.ring.Load().names
	if time.Since(n.rebuilt) < settled || slices.Equal(ours, theirs) {
		return
	}
	if n.warnings.First(append([]string{"ring", p.name}, theirs...)...) {
		n.cfg.Log.Warn().Str("peer", p.name).Strs("ours", few(ours)).Strs("theirs", few(theirs)).
			Msg("this peer has other nodes in its ring: see that all are told the same and reach " +
				"each other, or files will be fetched more than once")
	}
}

// WaitForPeers waits until every member that was known at the time of the call has been dialed
// once, or ctx ends.
func (n *Node) WaitForPeers(ctx context.Context) error {
	if n == nil {
		return nil
	}
	for _, p := range n.Peers() {
		select {
		case <-p.tried:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
