package peer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/scurrycache/scurry/internal/wire"
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
	cfg.Wire.Heartbeat, cfg.Wire.MissedHeartbeats = 50*time.Millisecond, 100
	if cfg.Lease == 0 {
		cfg.Lease = time.Hour
	}
	if cfg.Reunited == nil {
		cfg.Reunited = func() {}
	}
	if cfg.Greet == nil {
		cfg.Greet = func(func([]byte) ([]byte, error)) error { return nil }
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
	s, err := p.Open(t.Context(), []byte(message), 0)
	if err != nil {
		return "", err
	}
	defer s.Close()
	answer, _, err := s.Next()
	return string(answer), err
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

func owns(n *tested, routingKey string) bool {
	_, here := n.Owner(routingKey)
	return here
}
