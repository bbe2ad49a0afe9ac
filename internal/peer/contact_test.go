package peer

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestLeaving: a node that says that it leaves gets no new requests, and isn't missed.
func TestLeaving(t *testing.T) {
	a, b := start(t, NodeConfig{}), start(t, NodeConfig{})
	meet(a, b)
	a.awaitState(t, b.name, Live)
	b.awaitState(t, a.name, Live)
	p := a.Peers()[0]
	b.Leave()
	b.Close() // at once: what it has said isn't lost
	a.awaitState(t, b.name, Down)
	if a.log.count("peer leaves") != 1 || a.log.count("peer left") != 1 || a.log.count("peer down") != 0 {
		t.Error(a.log)
	}
	if _, err := ask(t, p, "who?"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("asking who has left: %v", err)
	}
}

// TestReunion: a node learns that it was out of contact for longer than a lease, and not when it
// was for less.
func TestReunion(t *testing.T) {
	reunited := make(chan bool, 10)
	for _, lease := range []time.Duration{time.Nanosecond, time.Hour} {
		l := origintest.Listen(t) // at an address that nothing else takes when it is closed
		a := start(t, NodeConfig{Lease: lease, Reunited: func() { reunited <- true }})
		b := start(t, NodeConfig{Listener: l})
		meet(a, b)
		a.awaitState(t, b.name, Live)
		b.Close()
		a.awaitState(t, b.name, Down)
		eventually(t, "the connection from it has ended, too", func() bool {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.contact.connections == 0
		})
		for len(reunited) > 0 {
			<-reunited // the first contact may count, too
		}
		again, err := net.Listen("tcp", b.name)
		if err != nil {
			t.Fatal(err)
		}
		c := start(t, NodeConfig{Listener: again})
		meet(a, c)
		a.awaitState(t, c.name, Live)
		if got, want := len(reunited) > 0, lease < time.Second; got != want {
			t.Errorf("lease %s: told of the reunion: %v", lease, got)
		}
	}
}

// TestStrangersCostLittle: connections that prove nothing are closed, however many there are, and
// peers still come in.
func TestStrangersCostLittle(t *testing.T) {
	a, b := start(t, NodeConfig{}), start(t, NodeConfig{})
	var silent []net.Conn
	for i := range 3 * maxGreeting {
		c, err := net.Dial("tcp", a.name)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%3 == 0 {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		silent = append(silent, c)
	}
	eventually(t, "most are refused", func() bool { return a.Refused() >= int64(2*maxGreeting) })
	for _, c := range silent {
		c.Close()
	}
	meet(a, b)
	a.awaitState(t, b.name, Live)
	b.awaitState(t, a.name, Live)
	if n := a.log.count("was refused"); n > 20 {
		t.Errorf("%d lines of log about %d strangers", n, len(silent))
	}
}

// TestContactThatReturnsFromTheOtherSide: a node that is dialed by one it hasn't heard of for long
// learns that before it answers, even if it can't dial back.
func TestContactThatReturnsFromTheOtherSide(t *testing.T) {
	reunited := make(chan bool, 10)
	a := start(t, NodeConfig{Lease: time.Nanosecond, Reunited: func() { reunited <- true }})
	b := start(t, NodeConfig{})
	b.SetMembers([]string{a.name}) // a doesn't know b
	b.awaitState(t, a.name, Live)
	if got, err := ask(t, b.Peers()[0], "who?"); got != a.name || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if len(reunited) != 1 {
		t.Errorf("told %d times of the contact", len(reunited))
	}
}

// TestGreetComesFirst: a peer isn't asked anything, nor in the ring, before it has answered what it
// is to be asked first.
func TestGreetComesFirst(t *testing.T) {
	answered := make(chan bool, 10)
	a := start(t, NodeConfig{Greet: func(ask func([]byte) ([]byte, error)) error {
		_, err := ask([]byte("remember"))
		answered <- err == nil
		return err
	}})
	b := start(t, NodeConfig{})
	meet(a, b)
	a.awaitState(t, b.name, Live)
	if len(answered) != 1 || !<-answered {
		t.Error("the peer was live before it had answered")
	}
}
