package peer

import (
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/wire"
)

// maxGreeting is how many connections may be proving at once who they are; more are closed, lest strangers take up
// memory.
const maxGreeting = 128

// accept lets peers in until the listener is closed.
func (n *Node) accept() {
	for pause := time.Millisecond; ; {
		conn, err := n.cfg.Listener.Accept()
		switch {
		case n.ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return
		case err != nil: // out of file descriptors, most likely
			n.warnings.Warn().Err(err).Msg("can't accept a peer's connection")
			select {
			case <-time.After(pause):
			case <-n.ctx.Done():
				return
			}
			pause = min(2*pause, time.Second)
			continue
		}
		pause = time.Millisecond
		if !n.admit(conn) {
			n.refused.Add(1)
			_ = conn.Close()
		}
	}
}

// admit greets conn in a goroutine of its own, unless there are too many already.
func (n *Node) admit(conn net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || len(n.greeting) >= maxGreeting {
		return false
	}
	n.greeting[conn] = true
	n.work.Go(func() { n.welcome(conn) })
	return true
}

// welcome greets whoever has dialed and, if it is a peer, begins to answer it.
func (n *Node) welcome(raw net.Conn) {
	conn := raw
	if n.cfg.TLS != nil {
		conn = tls.Server(raw, n.cfg.TLS)
	}
	theirs, err := wire.Greet(conn, false, n.cfg.Secret, n.hello(), n.greetTime())
	n.mu.Lock()
	delete(n.greeting, raw)
	closed := n.closed
	n.mu.Unlock()
	if err == nil && !closed {
		err = n.answer(conn, theirs)
	}
	if err != nil || closed {
		_ = conn.Close()
	} else {
		n.compare(theirs)
	}
	if err != nil && !closed {
		n.refused.Add(1)
		n.tellRefused(raw.RemoteAddr(), err)
	}
}

// tellRefused warns of a connection that wasn't let in: once of each host and reason, since who is set up wrong tries
// again and again.
func (n *Node) tellRefused(remote net.Addr, err error) {
	host, _, _ := net.SplitHostPort(remote.String())
	reason := "other"
	if m, ok := errors.AsType[*mismatch](err); ok {
		reason = m.Error()
	} else if errors.Is(err, wire.ErrSecret) {
		reason = "secret"
	} else if errors.Is(err, wire.ErrForeign) {
		reason = "foreign"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.warnOnceLocked(func(e *zerolog.Event) {
		e.Err(err).Stringer("remote", remote).Msg("a connection to the peer port was refused; more for the same reason aren't logged, but counted")
	}, "refused", host, reason)
}

// answer answers a peer's asks from now on.
func (n *Node) answer(conn net.Conn, theirs wire.Hello) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if theirs.Instance == n.instance {
		return conn.Close() // this node itself
	}
	if differs := n.differsLocked(theirs); differs != nil {
		return differs
	}
	cfg := n.wireConfig()
	cfg.Serve = n.serve
	cfg.Panicked = func(v any, stack []byte) {
		n.cfg.Log.Error().Interface("panic", v).Bytes("stack", stack).Str("peer", theirs.Name).Msg("answering a peer's ask failed")
	}
	if n.closed {
		return net.ErrClosed
	}
	var a *wire.Answerer
	registered := make(chan struct{})
	cfg.Lost = func(error) {
		<-registered
		n.mu.Lock()
		defer n.mu.Unlock()
		if p := n.peers[theirs.Name]; p != nil {
			p.gone(a)
		}
		delete(n.answers, a)
	}
	a = wire.Answer(conn, cfg)
	n.answers[a] = theirs.Name
	close(registered)
	if n.leaving {
		n.work.Go(a.Leave)
	}
	if p := n.peers[theirs.Name]; p != nil {
		p.inbound = a
		p.wake() // it lives
	}
	return nil
}

// greetTime is how long both sides may take to prove who they are.
func (n *Node) greetTime() time.Duration { return max(n.patience(), 2*time.Second) }

// mismatch is that a peer is set up otherwise than this node.
type mismatch struct{ differs []string }

func (m *mismatch) Error() string {
	text := "the peer is set up otherwise"
	for i, d := range m.differs {
		if i == 0 {
			text += ": "
		} else {
			text += "; "
		}
		text += d
	}
	return text
}

// differsLocked returns what keeps this node from working with a peer, as an error.
func (n *Node) differsLocked(theirs wire.Hello) error {
	if differs := (wire.Hello{Facts: n.cfg.Facts}).Differs(theirs); len(differs) > 0 {
		return &mismatch{differs}
	}
	return nil
}
