package peer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/internal/wire"
	"github.com/scurrycache/scurry/internal/wire/handshake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is what a node has logged.
type book struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// count is how many lines have all of words.
func (b *book) count(words ...string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.b.String()) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			n++
		}
	}
	return n
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// tested is a node and its log.
type tested struct {
	*Node
	name string
	log  *book
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// start starts a node, which answers every request with its name.
func start(t testing.TB, cfg NodeConfig) *tested {
	t.Helper()
	if cfg.Listener == nil {
		cfg.Listener = listen(t)
	}
	if cfg.MissedHeartbeats == 0 {
		cfg.Heartbeat, cfg.MissedHeartbeats = 50*time.Millisecond, 100
	}
	if cfg.Lease == 0 {
		cfg.Lease = time.Hour
	}
	n := &tested{name: cfg.Listener.Addr().String(), log: &book{}}
	logger := zerolog.New(n.log)
	cfg.Log = &logger
	n.Node = NewNode(cfg)
	t.Cleanup(n.Close)
	n.Start(func(c *wire.Call) {
		if string(c.Message()) == "panic" {
			panic("as told")
		}
		_ = c.Reply([]byte(n.name), nil)
		_ = c.End(nil)
	})
	return n
}

// meet tells each of the nodes of all.
func meet(nodes ...*tested) {
	var names []string
	for _, n := range nodes {
		names = append(names, n.name)
	}
	for _, n := range nodes {
		n.SetMembers(names)
	}
}

func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not so after 30 s: %s", what)
		}
	}
}

// state is what n knows of the peer with that name.
func (n *tested) state(name string) Status {
	for _, p := range n.Peers() {
		if p.Name() == name {
			return p.Status()
		}
	}
	return Status{}
}

func (n *tested) awaitState(t testing.TB, name string, state State) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s takes %s for %s; log: %s", n.name, name, state, n.log), func() bool { return n.state(name).State == state })
}

func ask(t testing.TB, p *Peer, message string) (string, error) {
	t.Helper()
	s, err := p.Open(t.Context(), []byte(message))
	if err != nil {
		return "", err
	}
	defer s.Close()
	answer, _, err := s.Next()
	return string(answer), err
}

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
	if s.Asks != 3 || s.Errors != 1 || s.Latency <= 0 || s.BytesIn == 0 || s.BytesOut == 0 {
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
				if n.log.count("hidden") > 0 || n.Owner("x.0") != nil {
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
			return !a.inContactLocked()
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

// authority is the TLS of the nodes of one cluster.
func authority(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "node"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
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
	a := start(t, NodeConfig{Greet: func(_ string, ask func([]byte) ([]byte, error)) error {
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

// TestRingsThatDiffer: a peer that says again and again that it doesn't own what our ring gives it
// is warned of once, with both rings.
func TestRingsThatDiffer(t *testing.T) {
	a, b := start(t, NodeConfig{}), start(t, NodeConfig{})
	meet(a, b)
	a.awaitState(t, b.name, Live)
	p := a.Peers()[0]
	p.Disagrees([]string{"x:1"}) // the ring has changed just now
	a.mu.Lock()
	a.rebuilt = time.Now().Add(-2 * settled)
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

func TestOnceForgetsTheOldest(t *testing.T) {
	var o once
	n := 0
	for i := range 2 * maxOnce {
		for range 2 {
			o.once(func() { n++ }, "about", fmt.Sprint(i))
		}
	}
	if n != 2*maxOnce || len(o.seen) != maxOnce || len(o.oldest) != maxOnce {
		t.Errorf("%d warnings about %d things, %d remembered", n, 2*maxOnce, len(o.seen))
	}
	if o.once(func() { n++ }, "about", "0"); n != 2*maxOnce+1 {
		t.Error("the oldest wasn't forgotten")
	}
}
