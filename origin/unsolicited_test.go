package origin

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What an origin may send that no request has asked for.
var extras = map[string]string{
	"a response":         "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nmarker",
	"a response at last": "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nmarker",
	"two responses": strings.Repeat("HTTP/1.1 200 OK\r\nTransfer-Encoding: "+
		"chunked\r\n\r\n6\r\nmarker\r\n0\r\n\r\n", 2),
	"an interim one":  "HTTP/1.1 103 Early Hints\r\nX-Path: marker\r\n\r\n",
	"a 304":           "HTTP/1.1 304 Not Modified\r\nX-Path: marker\r\n\r\n",
	"half a response": "HTTP/1.1 200 OK\r\nX-Path: marker\r\nContent-Le",
	"junk":            strings.Repeat("marker", 3000),
	"a line end":      "\r\n",
}

// oddServer answers each request with its own path, in content and field, and sends something else
// besides.
type oddServer struct {
	extra string
	every int64 // how many responses there are to one that is followed by extra

	// When extra comes: with the response, a moment later, or between the next request and its
	// response.
	when string

	asked atomic.Int64
}

// answer is the response to the request with that head.
func (o *oddServer) answer(head string) string {
	method, rest, _ := strings.Cut(head, " ")
	path, _, _ := strings.Cut(rest, " ")
	const fields = "X-Path: %s\r\n"
	switch {
	case strings.Contains(head, "If-None-Match: "):
		return fmt.Sprintf("HTTP/1.1 304 Not Modified\r\n"+fields+"\r\n", path)
	case strings.HasSuffix(path, "0"):
		return fmt.Sprintf("HTTP/1.1 204 No Content\r\n"+fields+"\r\n", path)
	case method == http.MethodHead:
		return fmt.Sprintf("HTTP/1.1 200 OK\r\n"+fields+"Content-Length: %d\r\n\r\n", path,
			len(path))
	case strings.HasSuffix(path, "1"):
		return fmt.Sprintf("HTTP/1.1 200 OK\r\n"+fields+
			"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nX-End: %s\r\n\r\n",
			path, len(path), path, path)
	}
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n"+fields+"Content-Length: %d\r\n\r\n%s", path, len(path),
		path)
}

func (o *oddServer) serve(c net.Conn, r *bufio.Reader) {
	owed := ""
	for {
		head := readHead(r)
		if head == "" {
			return
		}
		if strings.Contains(head, "Content-Length: 1\r\n") {
			r.ReadByte()
		}
		answer := o.answer(head)
		n := o.asked.Add(1)
		odd := n%o.every == 0
		switch {
		case odd && o.when == "with it":
			io.WriteString(c, answer+o.extra)
		case odd && o.when == "later":
			io.WriteString(c, answer)
			for range n / o.every % 100 {
				runtime.Gosched()
			}
			io.WriteString(c, o.extra)
		default:
			io.WriteString(c, owed+answer)
			if owed = ""; odd {
				owed = o.extra
			}
		}
	}
}

// startOdd returns a Server on o, over TLS or not, that never loses its trust.
func startOdd(t *testing.T, o *oddServer, secure bool) *Server {
	var config *tls.Config
	if secure {
		config = exampleTLS(t)
	}
	raw := newRawServer(t, func(_ *rawServer, _ int64, c net.Conn, r *bufio.Reader) {
		if secure {
			c = tls.Server(c, config)
			defer c.Close()
			r = bufio.NewReader(c)
		}
		o.serve(c, r)
	})
	if secure {
		raw.Scheme = "https"
	}
	s := newServer(t, raw.URL)
	s.TLS = &tls.Config{InsecureSkipVerify: true}
	s.trust.period = time.Nanosecond
	return s
}

// mixUps is what came of requests over connections that carry more than was asked for.
type mixUps struct {
	mu     sync.Mutex
	wrong  map[string]string // what came, by URL
	told   map[string]bool   // URLs whose responses may have been mixed up
	right  int
	failed int
}

// ask sends one request and notes what came.
func (m *mixUps) ask(t *testing.T, s *Server, i int) {
	method, path := http.MethodGet, "/"+strconv.Itoa(i)
	switch {
	case i%5 == 3:
		method = http.MethodHead
	case i%11 == 4:
		method = http.MethodPost
	}
	req := target(t, method, s.BaseURL(), path)
	if method == http.MethodPost {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader("x")), 1
	}
	if i%7 == 5 {
		req.Header.Set("If-None-Match", `"x"`)
	}
	resp, body, err := fetch(s, req)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err != nil:
		if m.failed++; method == http.MethodPost {
			t.Errorf("POST %s: %v", path, err)
		}
	case resp.Header.Get("X-Path") != path || body != "" && body != path:
		m.wrong[req.URL.String()] = fmt.Sprintf("%d %v %.50q", resp.StatusCode, resp.Header, body)
	default:
		m.right++
	}
}

func (m *mixUps) untold() (urls []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for u := range m.wrong {
		if !m.told[u] {
			urls = append(urls, u)
		}
	}
	slices.Sort(urls)
	return urls
}

// askMany sends n requests by many clients.
func askMany(t *testing.T, s *Server, n int) *mixUps {
	t.Helper()
	m := &mixUps{wrong: map[string]string{}, told: map[string]bool{}}
	stop := s.OnUnsolicited(func(urls []string, _ time.Time) {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, u := range urls {
			m.told[u] = true
		}
	})
	t.Cleanup(stop)
	var clients sync.WaitGroup
	var next atomic.Int64
	for range 8 {
		clients.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				m.ask(t, s, i)
			}
		})
	}
	clients.Wait()
	return m
}

// requests is how many requests a test makes in each of its cases, n as a rule.
// SCURRY_TEST_REQUESTS says how many in all.
func requests(t *testing.T, n, cases int) int {
	if all := os.Getenv("SCURRY_TEST_REQUESTS"); all != "" {
		of, err := strconv.Atoi(all)
		check(t, err)
		n = (of + cases - 1) / cases
	}
	return n
}

// TestUnsolicited: what comes over an idle connection is never taken for a response. What comes
// when the next request is on its way may be, and listeners get its URL.
func TestUnsolicited(t *testing.T) {
	skipUnlessKept(t)
	for _, secure := range []bool{false, true} {
		for name, extra := range extras {
			for _, when := range []string{"with it", "later", "late"} {
				for _, every := range []int64{1, 20} {
					t.Run(fmt.Sprintf("TLS=%v/%s %s, one in %d", secure, name, when, every),
						func(t *testing.T) {
							o := &oddServer{extra: extra, every: every, when: when}
							n := 200
							if secure { // handshakes take their time
								n = 30
							}
							m := askMany(t, startOdd(t, o, secure), requests(t, n, 12*len(extras)))
							t.Logf("%d right, %d failed, %d wrong", m.right, m.failed, len(m.wrong))
							// A connection that is a response behind has it by now, or gets it
							// soon. After one that is the last of a connection, nothing comes that
							// could give it away.
							deadline := time.Now().Add(5 * time.Second)
							for name != "a response at last" && len(m.untold()) > 0 &&
								time.Now().Before(deadline) {
								runtime.Gosched()
							}
							if when == "with it" {
								for u, got := range m.wrong {
									t.Errorf("%s: %s", u, got)
								}
							}
							for _, u := range m.untold() {
								if name == "a response at last" {
									break
								}
								t.Errorf("nobody was told that %s may be wrong: %s", u, m.wrong[u])
							}
							if m.right == 0 {
								t.Error("nothing came right")
							}
						})
				}
			}
		}
	}
}
