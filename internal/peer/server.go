package peer

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"time"

	"github.com/scurrycache/scurry/internal/wire"
	"github.com/scurrycache/scurry/internal/wire/handshake"
)

// maxGreeting is how many connections may be proving at once that they are nodes. When there are
// more, the oldest is closed: a peer needs but a moment, and strangers must neither take up memory
// nor its place.
const maxGreeting = 128

// maxFromOne is how many connections one peer may have. It has one, or two while its lists change.
const maxFromOne = 8

// accept lets peers in until the listener is closed.
func (n *Node) accept() {
	pause := time.Millisecond
	for {
		conn, err := n.cfg.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			pause = time.Millisecond
			n.admit(conn)
			continue
		}
		// out of file descriptors, most likely
		n.cfg.Log.Warn().Err(err).Msg("can't accept a peer's connection")
		select {
		case <-time.After(pause):
		case <-n.ctx.Done():
		}
		pause = min(2*pause, time.Second)
	}
}

// newcomer is a connection that hasn't proved yet that it comes from a node.
type newcomer struct {
	conn net.Conn
	done chan struct{} // closed when it has been let in, or closed
}

// admit greets conn in a goroutine of its own.
func (n *Node) admit(conn net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx.Err() != nil {
		_ = conn.Close()
		return
	}
	if len(n.greeting) >= maxGreeting {
		_ = n.greeting[0].conn.Close() // its greeting fails, and is counted
		n.greeting = slices.Delete(n.greeting, 0, 1)
	}
	c := newcomer{conn, make(chan struct{})}
	n.greeting = append(n.greeting, c)
	n.work.Go(func() {
		defer close(c.done)
		n.welcome(conn)
	})
}

// welcome greets the other side and, if it is a peer, begins to serve it.
func (n *Node) welcome(conn net.Conn) {
	theirs, err := n.greet(conn, "")
	n.mu.Lock()
	if err == nil {
		err = n.answerLocked(conn, theirs)
	}
	n.greeting = slices.DeleteFunc(n.greeting, func(c newcomer) bool { return c.conn == conn })
	closed := n.ctx.Err() != nil
	n.mu.Unlock()
	if err == nil {
		n.compare(theirs)
		return
	}
	_ = conn.Close()
	if !closed && err != errItself {
		n.refused.Add(1)
		n.logRefused(conn.RemoteAddr(), err)
	}
}

// logRefused warns of a connection that wasn't let in: once of each host and reason, since a node
// that is set up wrong tries again and again.
func (n *Node) logRefused(remote net.Addr, err error) {
	host, _, _ := net.SplitHostPort(remote.String())
	said, reason := &n.strangers, "other"
	switch r, ok := errors.AsType[refusal](err); {
	case errors.Is(err, handshake.ErrSecret):
		reason = "secret"
	case errors.Is(err, handshake.ErrForeign):
		reason = "foreign"
	case ok:
		said, reason = &n.warnings, r.Error()
	case refuses(err):
		said, reason = &n.warnings, "refusal"
	}
	if said.First("refused", host, reason) {
		n.cfg.Log.Warn().Str("error", few([]string{err.Error()})[0]).Stringer("remote", remote).
			Msg("a connection to the peer port was refused; more for the same reason aren't " +
				"logged, but counted")
	}
}

// catchPanic, deferred, ends a panic while a request of that peer was served: the response, which is
// incomplete, is aborted.
func (n *Node) catchPanic(peer string) {
	if v := recover(); v != nil {
		n.cfg.Log.Error().Interface("panic", v).Bytes("stack", debug.Stack()).
			Str("peer", peer).Msg("serving a peer's request failed")
	}
}

// answerLocked serves a peer's requests from now on.
func (n *Node) answerLocked(conn net.Conn, theirs handshake.Hello) error {
	if n.ctx.Err() != nil {
		return net.ErrClosed
	}
	if n.cfg.Self != "" && theirs.Dialed != n.cfg.Self {
		return refusal{fmt.Errorf("it has dialed %s, and this node is %s", theirs.Dialed,
			n.cfg.Self)}
	}
	from := 0
	for _, name := range n.inbound {
		if name == theirs.Name {
			from++
		}
	}
	if from >= maxFromOne {
		return refusal{fmt.Errorf("%s has %d connections already", theirs.Name, from)}
	}
	cfg := n.cfg.Wire
	cfg.Serve = func(c *wire.Call) {
		defer n.catchPanic(theirs.Name)
		n.serve(c)
	}
	if p := n.peers[theirs.Name]; p != nil {
		cfg.Traffic = &p.traffic
		select {
		case p.nudge <- struct{}{}: // it lives
		default:
		}
	}
	var s *wire.Server
	cfg.Lost = func(error) {
		n.mu.Lock() // s is known from now on
		defer n.mu.Unlock()
		delete(n.inbound, s)
		n.contact.ended(theirs.Instance, s.LastHeard())
	}
	s = wire.NewServer(conn, cfg)
	n.inbound[s] = theirs.Name
	n.contact.connections++
	n.work.Go(s.Wait)
	if n.leaving {
		n.work.Go(s.Leave)
	}
	return nil
}
