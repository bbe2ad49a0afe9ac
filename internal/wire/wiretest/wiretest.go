// Package wiretest makes connections for tests of the wire between nodes.
package wiretest

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"testing"
)

// Transports are the kinds of connection that nodes use, and net.Pipe, which buffers nothing.
var Transports = []struct {
	Name string
	Open func(t testing.TB) (dialed, accepted net.Conn)
}{
	{"tcp", Sockets},
	{"tls", SecureSockets},
	{"pipe", func(testing.TB) (net.Conn, net.Conn) { return net.Pipe() }},
}

// Sockets returns both ends of a TCP connection over loopback.
func Sockets(t testing.TB) (dialed, accepted net.Conn) {
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

// SecureSockets returns both ends of a TLS connection over loopback. They shake hands when they are
// used.
func SecureSockets(t testing.TB) (dialed, accepted net.Conn) {
	t.Helper()
	authority := httptest.NewTLSServer(nil) // it has a certificate for example.com
	authority.Close()
	pool := x509.NewCertPool()
	pool.AddCert(authority.Certificate())
	d, a := Sockets(t)
	return tls.Client(d, &tls.Config{RootCAs: pool, ServerName: "example.com"}),
		tls.Server(a, &tls.Config{Certificates: authority.TLS.Certificates})
}
