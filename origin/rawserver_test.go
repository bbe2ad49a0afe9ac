package origin

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// rawServer speaks what a test makes it say, over real sockets.
type rawServer struct {
	*url.URL
	conns *atomic.Int64

	stop chan struct{} // closed when the test ends
}

// newRawServer calls serve for each connection, in a goroutine of its own, and closes the
// connection after. What blocks serve is either the connection, which the test's end closes, or
// must select on stop.
func newRawServer(t *testing.T, serve func(s *rawServer, n int64, c net.Conn,
	r *bufio.Reader)) *rawServer {
	t.Helper()
	s := &rawServer{stop: make(chan struct{})}
	raw := origintest.Serve(t, func(n int64, c net.Conn, r *bufio.Reader) { serve(s, n, c, r) })
	s.URL = &url.URL{Scheme: "http", Host: raw.Addr().String(), Path: "/"}
	s.conns = &raw.Conns
	t.Cleanup(func() { close(s.stop) }) // before raw's
	return s
}

// readHead returns the head of the next request, "" when none comes any more.
func readHead(r *bufio.Reader) string {
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return ""
		}
		if line == "\r\n" {
			return head.String()
		}
		head.WriteString(line)
	}
}

// answering returns a rawServer that answers each request with answer, and then closes the
// connection.
func answering(t *testing.T, answer string) *rawServer {
	return newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		if readHead(r) != "" {
			io.WriteString(c, answer)
			c.(*net.TCPConn).CloseWrite()
			// a close with unread bytes would be a reset, and overtake the answer
			io.Copy(io.Discard, r)
		}
	})
}

// newServer returns a Server on base whose connections end with the test.
func newServer(t *testing.T, base *url.URL) *Server {
	t.Helper()
	s := HTTP(base)
	t.Cleanup(s.CloseIdleConnections)
	return s
}

// fetch returns the answer of s and its whole body, or the first error.
func fetch(s *Server, req *http.Request) (*http.Response, string, error) {
	resp, err := s.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}
