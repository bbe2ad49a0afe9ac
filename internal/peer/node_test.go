package peer

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/wire/handshake"
)

func TestPeersAnswerEachOther(t *testing.T) {
	a, b := start(t, NodeConfig{Secret: []byte("a secret of 16 b")}), start(t, NodeConfig{Secret: []byte("a secret of 16 b")})
	meet(a, b)
	a.awaitState(t, b.name, Live)
	p := a.Peers()[0]
	if p.Name() != b.name { // a itself is a member, too, but no peer
		t.Fatal(p.Name())
	}
	if got, err := ask(t, p, "who?"); got != b.name || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ask(t, p, "panic"); err == nil {
		t.Error("a panic of the one who answers goes unnoticed")
	}
	if got, err := ask(t, p, "who?"); got != b.name || err != nil {
		t.Errorf("after a panic: %q, %v", got, err)
	}
	s := p.Status()
	if s.Requests != 3 || s.Errors != 1 || s.Latency <= 0 || s.BytesIn == 0 || s.BytesOut == 0 {
		t.Errorf("%+v", s)
	}
	eventually(t, "the panic is logged", func() bool { return b.log.count("as told", a.name) == 1 })
}

// TestSecretsDiffer: neither node talks to the other; each says so once, and nothing of what the
// other one is.
func TestSecretsDiffer(t *testing.T) {
	for name, secret := range map[string]string{"another": "a secret of 32 b", "none": ""} {
		t.Run(name, func(t *testing.T) {
			facts := []handshake.Fact{{Name: "origin", Value: "http://hidden.example/"}}
			a := start(t, NodeConfig{Secret: []byte("a secret of 16 b"), Facts: facts, FixedMembers: true})
			b := start(t, NodeConfig{Secret: []byte(secret), Facts: facts, FixedMembers: true})
			meet(a, b)
			a.awaitState(t, b.name, Refused)
			b.awaitState(t, a.name, Refused)
			for _, n := range []*tested{a, b} {
				eventually(t, "the refusal is logged and counted", func() bool {
					return n.log.count("peer refused", "secret") == 1 && n.log.count("connection to the peer port was refused", "secret") >= 1 && n.Refused() > 0
				})
				if n.log.count("hidden") > 0 || !owns(n, "x.0") {
					t.Errorf("it says too much, or works with a stranger: %s", n.log)
				}
			}
		})
	}
}

// TestNodesThatAreSetUpOtherwise are left out of the ring, with a warning that tells what differs.
func TestNodesThatAreSetUpOtherwise(t *testing.T) {
	a := start(t, NodeConfig{Facts: []handshake.Fact{{Name: "origin", Value: "http://one/"}, {Name: "slab", Value: "64"}}})
	b := start(t, NodeConfig{Facts: []handshake.Fact{{Name: "origin", Value: "http://two/"}, {Name: "slab", Value: "64"}}})
	meet(a, b)
	for _, n := range []*tested{a, b} {
		other := map[*tested]*tested{a: b, b: a}[n]
		n.awaitState(t, other.name, Refused)
		if n.log.count("peer refused", "http://one/", "http://two/", "origin") != 1 || n.log.count("slab") != 0 {
			t.Error(n.log)
		}
		if len(n.Ring()) != 1 {
			t.Error(n.Ring())
		}
	}
}

// TestListsThatDiffer: both lists are named, once, and the nodes work together as far as they know
// each other.
func TestListsThatDiffer(t *testing.T) {
	a, b := start(t, NodeConfig{FixedMembers: true}), start(t, NodeConfig{FixedMembers: true})
	a.SetMembers([]string{a.name, b.name})
	b.SetMembers([]string{a.name, b.name, "127.0.0.1:1"})
	a.awaitState(t, b.name, Live)
	b.awaitState(t, a.name, Live)
	for _, n := range []*tested{a, b} {
		eventually(t, "both lists are named", func() bool { return n.log.count("another list", `"ours"`, `"theirs"`, "127.0.0.1:1") == 1 })
	}
	if n := a.log.count("another list"); n != 1 {
		t.Errorf("%d warnings", n)
	}
}

// TestNodeThatIsDialedByAnotherName: a wrong --self keeps a node out, and the warning tells the
// right one.
func TestNodeThatIsDialedByAnotherName(t *testing.T) {
	a := start(t, NodeConfig{FixedMembers: true})
	b := start(t, NodeConfig{Self: "127.0.0.1:1", FixedMembers: true})
	meet(a, b)
	a.awaitState(t, b.name, Refused)
	b.awaitState(t, b.name, Itself)
	if a.log.count("127.0.0.1:1", "--self "+b.name) == 0 || b.log.count("this node itself") != 1 {
		t.Errorf("%s\n%s", a.log, b.log)
	}
	b.awaitState(t, a.name, Live) // it may ask
	if got, err := ask(t, b.Peers()[0], "who?"); err == nil && got == "" {
		t.Error("no answer and no error")
	}
}

// TestNodeLearnsItsName: with no Self, a node's name is the one that it is dialed by.
func TestNodeLearnsItsName(t *testing.T) {
	a, b := start(t, NodeConfig{}), start(t, NodeConfig{})
	_, port, _ := net.SplitHostPort(a.name)
	a.name = "localhost:" + port
	meet(a, b)
	b.awaitState(t, a.name, Live)
	a.awaitState(t, b.name, Live)
	eventually(t, "it has learnt its name", func() bool { return a.Self() == a.name })
	eventually(t, "the rings agree", func() bool { return slices.Equal(a.Ring(), b.Ring()) })
}

// TestOnlyNodesWithACertificateComeIn: TLS proves both sides.
func TestOnlyNodesWithACertificateComeIn(t *testing.T) {
	ours, others := authority(t), authority(t)
	a, b := start(t, NodeConfig{TLS: ours}), start(t, NodeConfig{TLS: ours})
	stranger, plain := start(t, NodeConfig{TLS: others}), start(t, NodeConfig{})
	meet(a, b, stranger, plain)
	a.awaitState(t, b.name, Live)
	for _, n := range []*tested{stranger, plain} {
		eventually(t, "the stranger can't be talked to", func() bool { s := a.state(n.name); return s.State == Down || s.State == Refused })
		eventually(t, "nor he to us", func() bool { s := n.state(a.name); return s.State == Down || s.State == Refused })
	}
	if got, err := ask(t, a.Peers()[slices.IndexFunc(a.Peers(), func(p *Peer) bool { return p.Name() == b.name })], "who?"); got != b.name || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// TestNodeWithTwoAddresses: a node that is listed by two addresses, none of which it was told to be
// its own, takes one of them for its name, and keeps it; the others have it in their rings once.
func TestNodeWithTwoAddresses(t *testing.T) {
	a, b := start(t, NodeConfig{}), start(t, NodeConfig{})
	_, port, _ := net.SplitHostPort(a.name)
	other := "localhost:" + port
	for _, n := range []*tested{a, b} {
		n.SetMembers([]string{a.name, other, b.name})
	}
	b.awaitState(t, a.name, Live)
	b.awaitState(t, other, Refused)
	a.awaitState(t, b.name, Live)
	if a.Self() != a.name || len(a.Ring()) != 2 || len(b.Ring()) != 2 {
		t.Errorf("%s, %v, %v", a.Self(), a.Ring(), b.Ring())
	}
	if b.log.count("peer refused") != 0 {
		t.Error(b.log)
	}
}

// TestRingsThatDiffer: a peer that says again and again that it doesn't own what our ring gives it
// is warned of once, with both rings.
func TestRingsThatDiffer(t *testing.T) {
	a, b := start(t, NodeConfig{}), start(t, NodeConfig{})
	meet(a, b)
	a.awaitState(t, b.name, Live)
	p := a.Peers()[0]
	p.Disagrees([]string{"x:1"}) // the ring has changed just now
	a.mu.Lock()
	a.ring.Load().since = time.Now().Add(-2 * settled)
	a.mu.Unlock()
	for range 3 {
		p.Disagrees([]string{"x:1"})
	}
	if a.log.count("other nodes in its ring", "x:1", b.name) != 1 {
		t.Error(a.log)
	}
}

// TestDialedForAnother: a node that knows its name doesn't answer one who thinks it has dialed
// another.
func TestDialedForAnother(t *testing.T) {
	l := listen(t)
	a := start(t, NodeConfig{Listener: l, Self: l.Addr().String()})
	b := start(t, NodeConfig{})
	_, port, _ := net.SplitHostPort(a.name)
	b.SetMembers([]string{"localhost:" + port})
	b.awaitState(t, "localhost:"+port, Refused)
	eventually(t, "it is refused on the other side, too", func() bool { return a.Refused() > 0 })
}

// TestCredentialsChange: connections that are there go on, and new ones need the new credentials,
// whichever side dials.
func TestCredentialsChange(t *testing.T) {
	old := Credentials{TLS: authority(t), Secret: []byte("a secret of 16 b")}
	a := start(t, NodeConfig{TLS: old.TLS, Secret: old.Secret})
	b := start(t, NodeConfig{TLS: old.TLS, Secret: old.Secret})
	meet(a, b)
	a.awaitState(t, b.name, Live)
	for name, next := range map[string]Credentials{
		"certificates": {authority(t), old.Secret},
		"secret":       {old.TLS, []byte("another of 16 by")},
	} {
		t.Run(name, func(t *testing.T) {
			a.SetCredentials(next)
			if got, err := ask(t, a.Peer(b.name), "who?"); got != b.name || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			before := start(t, NodeConfig{TLS: old.TLS, Secret: old.Secret})
			after := start(t, NodeConfig{TLS: next.TLS, Secret: next.Secret})
			for _, n := range []*tested{before, after} {
				n.SetMembers([]string{a.name, n.name})
			}
			a.SetMembers([]string{a.name, b.name, before.name, after.name})
			after.awaitState(t, a.name, Live)
			a.awaitState(t, after.name, Live)
			for of, with := range map[*tested]*tested{before: a, a: before} {
				eventually(t, "old credentials don't do", func() bool {
					s := of.state(with.name).State
					return s == Down || s == Refused
				})
			}
			a.SetCredentials(old)
			a.SetMembers([]string{a.name, b.name})
		})
	}
}
