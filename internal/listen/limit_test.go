package listen_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/listen"
)

// limitedTo starts a server for so many connections, with the lane and without.
func limitedTo(t *testing.T, most int, handler http.HandlerFunc, test func(t *testing.T,
	s *server)) {
	t.Helper()
	for name, lane := range map[string]listen.Lane{"lane": new(echoLane), "http": nil} {
		t.Run(name, func(t *testing.T) {
			s := openWith(t, 0, &http.Server{Handler: handler, IdleTimeout: forever}, lane)
			s.MaxConns = most
			s.serve()
			test(t, s)
		})
	}
}

const getB = "GET /b HTTP/1.1\r\nHost: n\r\n\r\n" // which no lane answers

// TestIdleMakeRoom: for one connection too many, the one ends that has been idle for longest,
// whether it has had a request or not.
func TestIdleMakeRoom(t *testing.T) {
	limitedTo(t, 3, echo, func(t *testing.T, s *server) {
		silent := s.dial(t)
		var conns []*client
		for _, request := range []string{get, getB, get, getB, get} {
			c := s.dial(t)
			c.send(t, request)
			for resp, _ := c.response(t); resp.StatusCode == http.StatusServiceUnavailable; resp, _ = c.response(t) {
				c = s.dial(t) // the idle one takes its time to end
				c.send(t, request)
			}
			s.awaitIdle(t)
			conns = append(conns, c)
		}
		silent.ended(t)
		for i, c := range conns {
			if i < 2 {
				c.ended(t)
				continue
			}
			c.send(t, getB)
			c.response(t)
		}
	})
}

// awaitIdle waits until all connections are idle: a response comes before its connection is.
func (s *server) awaitIdle(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		if _, busy := s.Connections(); busy == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a connection doesn't become idle")
		}
	}
}

// TestTooManyConnections: where all connections have requests, one more gets a 503. There is room
// again once a request has ended.
func TestTooManyConnections(t *testing.T) {
	goOn := make(chan struct{})
	came := make(chan struct{}, 2)
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			came <- struct{}{}
			<-goOn
		}
		io.WriteString(w, "acorn")
	}
	limitedTo(t, 2, handler, func(t *testing.T, s *server) {
		var busy []*client
		for range 2 {
			c := s.dial(t)
			c.send(t, strings.Replace(get, "/a", "/slow", 1))
			<-came
			busy = append(busy, c)
		}
		for _, request := range []string{"", getB} { // it is answered before it is read
			c := s.dial(t)
			c.send(t, request)
			resp, _ := c.response(t)
			if resp.StatusCode != http.StatusServiceUnavailable ||
				resp.Header.Get("Retry-After") != "1" || !resp.Close {
				t.Errorf("%s %v", resp.Status, resp.Header)
			}
			c.ended(t)
		}
		lines := s.lines(t)
		if many, _ := s.RefusedConns(); many != 2 || len(lines) != 2 ||
			lines[1]["status"] != 503.0 || lines[1]["reason"] != "too many connections" {
			t.Errorf("%d are counted, logged is %v", many, lines)
		}
		for range busy {
			goOn <- struct{}{}
		}
		for _, c := range busy {
			if resp, got := c.response(t); resp.StatusCode != http.StatusOK || got != "acorn" {
				t.Errorf("%s %q", resp.Status, got)
			}
		}
		c := s.dial(t)
		c.send(t, getB)
		if resp, _ := c.response(t); resp.StatusCode != http.StatusOK {
			t.Error(resp.Status)
		}
	})
}

// TestConnectionsAreBounded: however many connect, there are never more than may be, and each
// client gets an answer, if not on its first connection.
func TestConnectionsAreBounded(t *testing.T) {
	const most, clients, each = 8, 32, 30
	var now, peak atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
		}
		io.WriteString(w, "acorn")
	}
	limitedTo(t, most, handler, func(t *testing.T, s *server) {
		var work sync.WaitGroup
		var served atomic.Int64
		for range clients {
			work.Go(func() {
				for range each {
					for !once(t, s.address) {
					}
					served.Add(1)
				}
			})
		}
		work.Wait()
		if served.Load() != clients*each || peak.Load() > most {
			many, _ := s.RefusedConns()
			t.Errorf("%d are served, %d at once; %d connections are refused", served.Load(),
				peak.Load(), many)
		}
	})
}

// once sends a request on a connection of its own. It reports whether it was served: the connection
// may have been taken for idle, or have been one too many.
func once(t *testing.T, address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return true
	}
	defer c.Close()
	if _, err := io.WriteString(c, getB); err != nil {
		return false
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return false
	}
	return resp.StatusCode == http.StatusOK
}

// TestDrainWhenFull: a server that has as many connections as it may have drains like any other.
func TestDrainWhenFull(t *testing.T) {
	goOn, came := make(chan struct{}), make(chan struct{})
	s := open(t, time.Millisecond, func(w http.ResponseWriter, _ *http.Request) {
		close(came)
		<-goOn
		io.WriteString(w, "acorn")
	})
	s.MaxConns = 1
	s.serve()
	c := s.dial(t)
	c.send(t, get)
	<-came
	extra := s.dial(t)
	if resp, _ := extra.response(t); resp.StatusCode != http.StatusServiceUnavailable {
		t.Error(resp.Status)
	}
	_, drained := s.drain() // although the client that is refused keeps its end open
	close(goOn)
	if _, got := c.response(t); got != "acorn" {
		t.Errorf("%q", got)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}
