package origin

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
)

// TestReady: a body knows what of it came together with its head, also over a kept connection, and
// never promises more.
func TestReady(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		sent, later string
		ready       bool
	}{
		"all":      {ok + "Content-Length: 5\r\n\r\nacorn", "", true},
		"some":     {ok + "Content-Length: 5\r\n\r\nac", "orn", true},
		"the head": {ok + "Content-Length: 5\r\n\r\n", "acorn", false},
		"an interim head": {"HTTP/1.1 103 Early Hints\r\n\r\n" + ok + "Content-Length: 5\r\n\r\n",
			"acorn", false},
		"line feeds": {ok + "Content-Length: 5\n\n", "acorn", false},
		"a chunk's size": {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\n", "acorn\r\n0\r\n\r\n",
			false},
	} {
		t.Run(name, func(t *testing.T) {
			first := make(chan bool, 2)
			raw := newRawServer(t, func(s *rawServer, _ int64, conn net.Conn, r *bufio.Reader) {
				for readHead(r) != "" {
					io.WriteString(conn, c.sent)
					select {
					case <-first: // the client has the head
					case <-s.stop:
					}
					io.WriteString(conn, c.later)
				}
			})
			s := newServer(t, raw.URL)
			for range 2 {
				req, _ := http.NewRequest(http.MethodGet, raw.String(), nil)
				resp, err := s.RoundTrip(req)
				check(t, err)
				got := resp.Body.(interface{ Ready() bool }).Ready()
				if got != c.ready {
					t.Errorf("ready: %v", got)
				}
				first <- true
				b, err := io.ReadAll(resp.Body)
				if string(b) != "acorn" || err != nil {
					t.Errorf("%q, %v", b, err)
				}
				if resp.Body.(interface{ Ready() bool }).Ready() {
					t.Error("ready at its end")
				}
				resp.Body.Close()
			}
		})
	}
}
