package origin

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scurrycache/scurry/internal/http1"
)

// counted starts a server that answers each request with ok, followed at once by extra if that says
// so. It counts connections.
func counted(t *testing.T, secure bool, extra func(request int64) string) (raw *rawServer,
	s *Server) {
	asked := atomic.Int64{}
	certificate := exampleTLS(t)
	raw = newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		below := &corked{Conn: c}
		if secure {
			c = tls.Server(below, certificate)
			defer c.Close()
			r = bufio.NewReader(c)
		} else {
			c = below
		}
		for readHead(r) != "" {
			more := extra(asked.Add(1))
			below.cork()
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			io.WriteString(c, more)
			below.uncork(more == halved)
		}
	})
	if secure {
		raw.Scheme = "https"
	}
	s = newServer(t, raw.URL)
	s.TLS = &tls.Config{InsecureSkipVerify: true}
	return raw, s
}

// skipUnlessKept skips t where no connection is used twice.
func skipUnlessKept(t *testing.T) {
	if !http1.CanPoll {
		t.Skip("this system can't look into a connection, so that none is used twice")
	}
}

func exampleTLS(t *testing.T) *tls.Config {
	t.Helper()
	example := httptest.NewUnstartedServer(nil)
	example.StartTLS()
	defer example.Close()
	config := example.TLS.Clone()
	config.NextProtos = nil
	return config
}

// halved is an unsolicited response whose end isn't sent before the client has sent something more.
const halved = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhalved"

// corked is the network below a server's TLS, which collects what it is to send in one piece.
type corked struct {
	net.Conn
	mu   sync.Mutex // guards what follows
	on   bool
	held []byte
}

func (c *corked) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func (c *corked) cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = true
}

// uncork sends what has been collected, but for the last bytes if half.
func (c *corked) uncork(half bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.held)
	if half {
		n -= 20
	}
	c.Conn.Write(c.held[:n])
	c.on, c.held = false, c.held[n:]
}

func (c *corked) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 && err == nil {
		_, err = c.Conn.Write(c.held)
		c.held = nil
	}
	return n, err
}

func fetchOK(t *testing.T, s *Server) {
	t.Helper()
	resp, body, err := fetch(s, target(t, "GET", s.BaseURL(), "/x"))
	if err != nil || body != "ok" {
		t.Errorf("%v, %.50q, %v", resp, body, err)
	}
}
