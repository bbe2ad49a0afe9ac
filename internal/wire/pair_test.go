package wire

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patient is for tests that keep the machine so busy that a heartbeat may come late.
const patient = 5 * time.Second

// transports are the kinds of connection that the package is used with, and net.Pipe, which buffers
// nothing.
var transports = []struct {
	name string
	open func(t testing.TB) (dialed, accepted net.Conn)
}{
	{"tcp", sockets},
	{"tls", secureSockets},
	{"pipe", func(testing.TB) (net.Conn, net.Conn) { return net.Pipe() }},
}

// sockets returns both ends of a TCP connection over loopback.
func sockets(t testing.TB) (dialed, accepted net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return dialed, accepted
}

// secureSockets returns both ends of a TLS connection over loopback.
func secureSockets(t testing.TB) (dialed, accepted net.Conn) {
	t.Helper()
	cert, pool := certificate(t)
	d, a := sockets(t)
	client := tls.Client(d, &tls.Config{RootCAs: pool, ServerName: "node"})
	server := tls.Server(a, &tls.Config{Certificates: []tls.Certificate{cert}})
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	return client, server
}

func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"node"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// join makes a connection of both ends, which is closed at the end of the test.
func join(t testing.TB, dialed, accepted net.Conn, requests, answers Config) (*Client, *Server) {
	t.Helper()
	client, server := NewClient(dialed, requests), NewServer(accepted, answers)
	t.Cleanup(func() {
		_ = client.Close()
		<-client.Done()
		server.Wait()
	})
	return client, server
}

// pair makes a connection over loopback.
func pair(t testing.TB, requests, answers Config) (*Client, *Server) {
	t.Helper()
	if requests.Heartbeat == 0 {
		requests.Heartbeat, answers.Heartbeat = patient, patient
	}
	dialed, accepted := sockets(t)
	return join(t, dialed, accepted, requests, answers)
}

// pattern is n bytes, others for each seed. They must not be changed.
func pattern(seed, n int) []byte {
	from := seed * 7919 % (1 << 20)
	return noise[from : from+n : from+n]
}

var noise = func() []byte {
	b := make([]byte, 5<<20)
	_, _ = mathrand.NewChaCha8([32]byte{}).Read(b)
	return b
}()

// open opens a stream, which is closed at the end of the test.
func open(t testing.TB, c *Client, message string) *Stream {
	t.Helper()
	s, err := c.Open(context.Background(), []byte(message), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// next takes a reply, which must have this message.
func next(t testing.TB, s *Stream, message string) (value []byte) {
	t.Helper()
	m, value, err := s.Next()
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	if string(m) != message {
		t.Fatalf("reply %q, want %q", m, message)
	}
	return value
}

// wantEOF checks that nothing more comes but the end, with this detail.
func wantEOF(t testing.TB, s *Stream, detail string) {
	t.Helper()
	if m, _, err := s.Next(); err != io.EOF {
		t.Fatalf("Next: %q, %v, want EOF", m, err)
	}
	if b, err := io.ReadAll(s); err != nil || len(b) > 0 {
		t.Fatalf("%d bytes more of content, %v", len(b), err)
	}
	if !bytes.Equal(s.End(), []byte(detail)) {
		t.Fatalf("end %q, want %q", s.End(), detail)
	}
}

// echo answers each request with itself.
func echo(c *Call) { _ = c.Respond(c.Message(), nil) }

// Streams is how many streams haven't ended.
func (c *Client) Streams() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.streams)
}
