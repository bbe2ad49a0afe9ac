package listen_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/scurrycache/scurry/internal/listen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a listen.Server that runs, and its log.
type server struct {
	*listen.Server
	address string
	serve   func() // for a test that isn't to be served at once

	mu  sync.Mutex
	log bytes.Buffer // guarded by mu
}

func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// lines are what has been logged.
func (s *server) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for text := range strings.Lines(s.log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		lines = append(lines, line)
	}
	return lines
}

// open makes a server that serves when the test says so, and is drained at the end of the test.
func open(t *testing.T, delay time.Duration, handler http.HandlerFunc) *server {
	t.Helper()
	return openWith(t, delay, &http.Server{Handler: handler, MaxHeaderBytes: 8 << 10}, nil)
}

// openWith is open for a server with those settings, and a lane.
func openWith(t *testing.T, delay time.Duration, h *http.Server, lane listen.Lane) *server {
	t.Helper()
	var plain net.ListenConfig
	plain.SetMultipathTCP(false)
	l, err := plain.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: l.Addr().String()}
	s.Server = listen.New(l, h, lane, delay, zerolog.New(s))
	var serving sync.WaitGroup
	s.serve = func() {
		serving.Go(func() {
			if err := s.Serve(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Drain(ctx)
		serving.Wait()
	})
	return s
}

func start(t *testing.T, delay time.Duration, handler http.HandlerFunc) *server {
	t.Helper()
	s := open(t, delay, handler)
	s.serve()
	return s
}

// client is one end of a connection.
type client struct {
	net.Conn
	r *bufio.Reader
}

func (s *server) dial(t *testing.T) *client {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{c, bufio.NewReader(c)}
}

func (c *client) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// sendIn sends text in pieces of that size.
func (c *client) sendIn(t *testing.T, text string, size int) {
	t.Helper()
	for rest := text; rest != ""; {
		n := min(size, len(rest))
		c.send(t, rest[:n])
		rest = rest[n:]
	}
}

// response reads the next response, and its content.
func (c *client) response(t *testing.T) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// ended reports whether the server has closed the connection, and nothing comes before that.
func (c *client) ended(t *testing.T) {
	t.Helper()
	if b, err := io.ReadAll(c.r); len(b) > 0 || err != nil {
		t.Errorf("%.200q, %v, where the connection should end", b, err)
	}
}

// echo answers with the target and the content of the request.
func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprintf(w, "%s %s", r.RequestURI, b)
}

const get = "GET /a HTTP/1.1\r\nHost: n\r\n\r\n"

// TestRefusals: each request that no handler sees is counted and logged once.
func TestRefusals(t *testing.T) {
	s := start(t, 0, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a" {
			t.Errorf("the handler gets %s %s", r.Method, r.RequestURI)
		}
	})
	for i, c := range []struct {
		request, reason string
		status          float64
	}{
		{"GET\r\n\r\n", "Bad Request", 400},
		{"GET / HTTP/1.1\r\n\r\n", "Bad Request: missing required Host header", 400},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "Bad Request: malformed Host header", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "Bad Request", 400},
		{"GET / HTTP/1.1\r\nHost: a:b:c\r\n\r\n", "a malformed Host", 400},
		{"GET http://n/ HTTP/1.1\r\nHost: [::1\r\n\r\n", "a malformed Host", 400},
		{"GET / HTTP/1.1\r\nHost: n\r\nA : b\r\n\r\n", "Bad Request: invalid header name", 400},
		{"GET / HTTP/1.1\r\nHost: n\r\nA: b\x00\r\n\r\n", "Bad Request", 400},
		{"GET / HTTP/1.1\r\nHost: n\r\nA: b\r\n c\r\n\r\n", "a field line that is folded", 400},
		{"GET / HTTP/1.1\r\nHost: n\r\nExpect: nuts\r\n\r\n", "Expectation Failed", 417},
		{"GET / HTTP/1.1\r\nHost: n\r\nA: " + strings.Repeat("a", 16<<10) + "\r\n\r\n",
			"Request Header Fields Too Large", 431},
		{"GET / HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: gzip\r\n\r\n", "Not Implemented", 501},
		{"GET / HTTP/3.0\r\nHost: n\r\n\r\n", "HTTP Version Not Supported: unsupported protocol " +
			"version", 505},
		{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"a Transfer-Encoding in HTTP/1.0", 400},
	} {
		conn := s.dial(t)
		conn.send(t, get+c.request)
		conn.response(t) // which isn't refused
		if resp, _ := conn.response(t); resp.StatusCode != int(c.status) || !resp.Close {
			t.Errorf("%.60q: %d %v", c.request, resp.StatusCode, resp.Header)
		}
		conn.ended(t)
		lines := s.lines(t)
		if len(lines) != i+1 || s.Refused() != int64(i+1) {
			t.Fatalf("%.60q: %d refusals, in the log %v", c.request, s.Refused(), lines)
		}
		line := lines[i]
		if line["remote"] != conn.LocalAddr().String() || line["status"] != c.status ||
			line["reason"] != c.reason || line["message"] != "request" {
			t.Errorf("%.60q: in the log %v", c.request, line)
		}
	}
}

// TestEmptyLinesBeforeRequests are ignored (RFC 9112 section 2.2), also where requests are
// pipelined; in bodies they aren't.
func TestEmptyLinesBeforeRequests(t *testing.T) {
	s := start(t, 0, echo)
	conn := s.dial(t)
	go io.WriteString(conn, "\r\n"+get+"\r\n\r\n"+get+"POST /b HTTP/1.1\r\nHost: "+
		"n\r\nContent-Length: 7\r\n\r\n\r\nacorn\r\n"+
		"PUT /c HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: "+
		"chunked\r\n\r\n5\r\n\r\n\r\n!\r\n0\r\n\r\n\r\n\n"+get+
		"PUT /d HTTP/1.1\r\nHost: n\r\nContent-Length: 33\r\n\r\nGET / "+
		"HTTP/1.0\r\nContent-Length: 9\r\n"+"GET /e HTTP/1.0\r\n\r\n")
	for _, want := range []string{"/a ", "/a ", "/b \r\nacorn", "/c \r\n\r\n!", "/a ",
		"/d GET / HTTP/1.0\r\nContent-Length: 9", "/e "} {
		if resp, got := conn.response(t); resp.StatusCode != 200 || got != want {
			t.Errorf("%d %q, want %q", resp.StatusCode, got, want)
		}
	}
	conn.ended(t)
}

// TestTwoFramings: a request with both is served by its Transfer-Encoding, and ends the connection
// (RFC 9112 section 6.1).
func TestTwoFramings(t *testing.T) {
	s := start(t, 0, echo)
	for _, fields := range []string{"Content-Length: 5\r\nTransfer-Encoding: chunked",
		"transfer-encoding: Chunked\r\nX: y\r\nCONTENT-LENGTH: 5"} {
		conn := s.dial(t)
		conn.send(t, get+"PUT /b HTTP/1.1\r\nHost: n\r\n"+fields+"\r\n\r\n3\r\nnut\r\n0\r\n\r\n"+
			get)
		conn.response(t)
		if resp, got := conn.response(t); resp.StatusCode != 200 || !resp.Close || got != "/b nut" {
			t.Errorf("%d %q, close: %v", resp.StatusCode, got, resp.Close)
		}
		conn.ended(t)
	}
}

// TestNothingAfterClose: what is pipelined after the last request gets no answer (RFC 9112 section
// 9.6), and reaches no handler.
func TestNothingAfterClose(t *testing.T) {
	for name, first := range map[string]string{
		"by the client": "GET /last HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n",
		"by the server": "GET /last?close HTTP/1.1\r\nHost: n\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, 0, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/last" {
					t.Errorf("the handler gets %s", r.URL)
				}
				if r.URL.RawQuery == "close" {
					w.Header().Set("Connection", "close")
				}
			})
			conn := s.dial(t)
			conn.send(t, first+strings.Repeat(get, 5000)) // more than the server reads at once
			if resp, _ := conn.response(t); !resp.Close {
				t.Error("the response doesn't say that it is the last one")
			}
			conn.ended(t)
		})
	}
}

// TestReaderFrom: the connection takes files and lists of buffers as the one beneath does.
func TestReaderFrom(t *testing.T) {
	s := start(t, 0, func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, ok := c.(io.ReaderFrom); !ok {
			t.Errorf("%T is no io.ReaderFrom", c)
		}
		if _, ok := c.(interface{ NetConn() net.Conn }).NetConn().(*net.TCPConn); !ok {
			t.Errorf("under %T is no *net.TCPConn", c)
		}
		buffers := net.Buffers{[]byte("HTTP/1.1 200 OK\r\n"), []byte("Content-Length: 0\r\n\r\n")}
		if _, err := buffers.WriteTo(c); err != nil {
			t.Error(err)
		}
	})
	conn := s.dial(t)
	conn.send(t, get)
	conn.response(t)
	conn.ended(t)
}

// TestHTTP2IsRefused: a client that speaks HTTP/2 is told, in HTTP/2, to speak HTTP/1.1.
func TestHTTP2IsRefused(t *testing.T) {
	s := start(t, 0, func(http.ResponseWriter, *http.Request) { t.Error("the handler is called") })
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("http://" + s.address + "/a")
	if err == nil {
		resp.Body.Close()
		t.Fatal(resp.Status)
	}
	if !strings.Contains(err.Error(), "HTTP_1_1_REQUIRED") {
		t.Error(err)
	}
	if line := s.lines(t)[0]; s.Refused() != 1 || line["status"] != 505.0 ||
		line["reason"] != "HTTP/2 without TLS" {
		t.Errorf("in the log %v", line)
	}
}

// TestHTTP2Oddities: what only begins like HTTP/2, or does so too late, ends with the connection.
func TestHTTP2Oddities(t *testing.T) {
	s := start(t, 0, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a" {
			t.Errorf("the handler gets %s %s", r.Method, r.RequestURI)
		}
	})
	const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for _, text := range []string{
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + "\x00\x00\x01\x01\x05\x00\x00\x00\x01\x82",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + "\xff\xff\xff\x01\x05\x00\x00\x00\x01\x82",
		"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
		get + "PRI * HTTP/2.0\r\n\r\n" + get,
		"PRI * HTTP/2.0\r\nHost: n\r\n\r\n" + get,
	} {
		conn := s.dial(t)
		conn.send(t, text)
		if err := conn.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(conn.r)
		if err != nil || strings.Count(string(b), "200 OK") > 1 || !strings.HasPrefix(text,
			"GET") && !strings.HasPrefix(string(b), settings) {
			t.Errorf("%q: %q, %v", text, b, err)
		}
	}
}

// TestLastResponseArrives even if the client goes on sending when the server has closed the
// connection: bytes for a closed connection make the system reset it.
func TestLastResponseArrives(t *testing.T) {
	const size = 16 << 20
	written := make(chan struct{})
	s := start(t, 0, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Length", fmt.Sprint(size))
		if _, err := w.Write(make([]byte, size)); err != nil {
			t.Error(err)
		}
		close(written)
	})
	c := s.dial(t)
	c.send(t, get)
	begun, err := io.CopyN(io.Discard, c.Conn, size-1<<20)
	if err != nil {
		t.Fatal(err)
	}
	<-written      // what is left is in the systems' hands
	for range 50 { // until the server has closed, and for a while after that
		_, _ = io.WriteString(c, get)
		<-time.After(time.Millisecond)
	}
	rest, err := io.ReadAll(c.Conn)
	if n := int(begun) + len(rest); err != nil || n < size {
		t.Errorf("%d of %d bytes, %v", n, size, err)
	}
}
