package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
)

// heldConn is the network below a server's TLS. It holds the last bytes of what is written back, if
// it is told to.
type heldConn struct {
	net.Conn
	hold bool
	held []byte
}

func (c *heldConn) Write(p []byte) (int, error) {
	if !c.hold {
		return c.Conn.Write(p)
	}
	half := len(p) / 2
	c.held = append(c.held, p[half:]...)
	_, err := c.Conn.Write(p[:half])
	return len(p), err
}

// TestHalfATLSRecord: a connection over which half of a record has come carries no request, but is
// read on, since the other half may show that responses were mixed up.
func TestHalfATLSRecord(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	example := httptest.NewUnstartedServer(nil)
	example.StartTLS()
	example.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	told := 0
	refused := errors.New("another is made")
	c := newClient(func(context.Context) (net.Conn, error) { return nil, refused })
	c.Unsolicited = func([]string) { told++ }
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	below := &heldConn{Conn: accepted}
	server := tls.Server(below, example.TLS)
	client := tls.Client(NewSocket(raw, true), &tls.Config{InsecureSkipVerify: true})
	shaken := make(chan error, 1)
	go func() { shaken <- server.HandshakeContext(context.Background()) }()
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	cn := newConn(client, c.IdleTimeout, c.Unsolicited)
	cn.requests = 1
	if got := cn.poll(); got != quiet { // session tickets are no content
		t.Errorf("after the handshake: %v", got)
	}
	c.keep(cn)
	below.hold = true
	if _, err := io.WriteString(server, ok(strings.Repeat("marker", 100))); err != nil {
		t.Fatal(err)
	}
	c.pool.look()
	if _, err := c.RoundTrip(get(t.Context(), "/")); err != refused {
		t.Errorf("a request uses it: %v", err)
	}
	if n := c.pool.size(); n != 1 || told > 0 {
		t.Errorf("%d idle connections, told %d times", n, told)
	}
	if _, err := accepted.Write(below.held); err != nil {
		t.Fatal(err)
	}
	c.pool.look()
	if n := c.pool.size(); n != 0 || told != 1 {
		t.Errorf("with the other half: %d idle connections, told %d times", n, told)
	}
}
