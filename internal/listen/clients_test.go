package listen_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/admission"
	"github.com/scurrycache/scurry/internal/listen"
)

// eachClientMayHave starts a server for so many connections of each client and of all together (0
// for any number), with the lane and without.
func eachClientMayHave(t *testing.T, most, all int, trusted admission.Proxies,
	handler http.HandlerFunc, test func(t *testing.T, s *server)) {
	t.Helper()
	for name, lane := range map[string]listen.Lane{"lane": new(echoLane), "http": nil} {
		t.Run(name, func(t *testing.T) {
			s := openWith(t, 0, &http.Server{Handler: handler, IdleTimeout: forever}, lane)
			s.MaxClientConns, s.MaxConns, s.Trusted = most, all, trusted
			s.serve()
			test(t, s)
		})
	}
}

// dialFrom connects from another address of loopback.
func (s *server) dialFrom(t *testing.T, address string) *client {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	c, err := d.DialContext(t.Context(), "tcp", s.address)
	if err != nil {
		t.Skip("no connection from ", address, ": ", err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{c, bufio.NewReader(c)}
}

// rests sends a request on c, and waits until all connections are idle.
func (s *server) rests(t *testing.T, c *client) (status int) {
	t.Helper()
	c.send(t, getB)
	resp, _ := c.response(t)
	s.awaitIdle(t)
	return resp.StatusCode
}

// awaitNone waits until no client is kept account of.
func (s *server) awaitNone(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); s.Clients() > 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d clients are left", s.Clients())
		}
	}
}

// comes dials until a connection is served: where the idle one that is to make room takes its time,
// the new one is refused.
func (s *server) comes(t *testing.T) {
	t.Helper()
	for {
		switch status := s.rests(t, s.dial(t)); status {
		case http.StatusOK:
			return
		case http.StatusServiceUnavailable:
		default:
			t.Fatal(status)
		}
	}
}

// TestClientMakesRoom: for one connection too many of a client, its own ends that has been idle for
// longest.
func TestClientMakesRoom(t *testing.T) {
	eachClientMayHave(t, 2, 0, nil, echo, func(t *testing.T, s *server) {
		other, first, second := s.dialFrom(t, "127.0.0.2"), s.dial(t), s.dial(t)
		for _, c := range []*client{other, first, second} {
			s.rests(t, c)
		}
		s.comes(t)
		first.ended(t)
		if status := s.rests(t, other); status != http.StatusOK {
			t.Error(status)
		}
	})
}

// TestClientConnections: if all connections of a client have requests, one too many gets a 503.
// Other clients notice nothing, and once all connections have ended, nothing is known of anyone.
func TestClientConnections(t *testing.T) {
	goOn, came := make(chan struct{}), make(chan struct{}, 2)
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			came <- struct{}{}
			<-goOn
		}
		io.WriteString(w, "acorn")
	}
	const slow = "GET /slow HTTP/1.1\r\nHost: n\r\n\r\n"
	eachClientMayHave(t, 2, 0, nil, handler, func(t *testing.T, s *server) {
		other := s.dialFrom(t, "127.0.0.2")
		s.rests(t, other)
		var busy []*client
		for range 2 {
			c := s.dial(t)
			c.send(t, slow)
			<-came
			busy = append(busy, c)
		}
		refused := s.dial(t)
		if resp, _ := refused.response(t); resp.StatusCode != http.StatusServiceUnavailable ||
			resp.Header.Get("Retry-After") != "1" || !resp.Close {
			t.Errorf("%s %v", resp.Status, resp.Header)
		}
		refused.ended(t)
		other.send(t, getB)
		other.response(t)
		if many, ofClient := s.RefusedConns(); ofClient != 1 || many != 0 || s.Clients() != 2 {
			t.Errorf("refused: %d and %d; clients: %d", ofClient, many, s.Clients())
		}
		if lines := s.lines(t); len(lines) != 1 || lines[0]["reason"] != "too many connections "+
			"of one client" {
			t.Errorf("logged is %v", lines)
		}
		for range 2 {
			goOn <- struct{}{}
		}
		for _, c := range busy {
			if resp, _ := c.response(t); resp.StatusCode != http.StatusOK {
				t.Error(resp.Status)
			}
		}
		for _, c := range append(busy, other) {
			c.Close()
		}
		s.awaitNone(t)
	})
}

// TestBothLimits: room for a client's connection may have to be made among its own, and then among
// all.
func TestBothLimits(t *testing.T) {
	eachClientMayHave(t, 2, 2, nil, echo, func(t *testing.T, s *server) {
		idle := s.dialFrom(t, "127.0.0.2")
		s.rests(t, idle)
		for range 4 {
			s.comes(t)
		}
		idle.ended(t)
	})
}

// TestTrustedConnections: the connections of a proxy that is trusted aren't limited.
func TestTrustedConnections(t *testing.T) {
	trusted := admission.Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	eachClientMayHave(t, 1, 0, trusted, echo, func(t *testing.T, s *server) {
		var all []*client
		for range 5 {
			all = append(all, s.dial(t))
		}
		for _, c := range all {
			c.send(t, getB)
			if resp, _ := c.response(t); resp.StatusCode != http.StatusOK {
				t.Error(resp.Status)
			}
		}
		if s.Clients() != 0 {
			t.Errorf("%d clients are kept account of", s.Clients())
		}
	})
}

// TestHijackedConnections: a connection that a handler has taken over counts until it is closed,
// and isn't taken for idle.
func TestHijackedConnections(t *testing.T) {
	end, ended := make(chan struct{}), make(chan struct{}, 1)
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/hijack" {
			io.WriteString(w, "acorn")
			return
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		go func() {
			<-end
			c.Close()
			ended <- struct{}{}
		}()
	}
	eachClientMayHave(t, 1, 0, nil, handler, func(t *testing.T, s *server) {
		c := s.dial(t)
		c.send(t, "GET /hijack HTTP/1.1\r\nHost: n\r\n\r\n")
		if resp, _ := c.response(t); resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(resp.Status)
		}
		refused := s.dial(t)
		if resp, _ := refused.response(t); resp.StatusCode != http.StatusServiceUnavailable {
			t.Error(resp.Status)
		}
		end <- struct{}{}
		<-ended
		s.awaitNone(t)
		again := s.dial(t)
		again.send(t, getB)
		if resp, _ := again.response(t); resp.StatusCode != http.StatusOK {
			t.Error(resp.Status)
		}
	})
}

// TestClientStorm: however one client connects, it never has more connections than it may, and no
// account of it is left.
func TestClientStorm(t *testing.T) {
	eachClientMayHave(t, 4, 0, nil, echo, func(t *testing.T, s *server) {
		done := make(chan struct{})
		for range 16 {
			go func() {
				defer func() { done <- struct{}{} }()
				for range 20 {
					once(t, s.address)
				}
			}()
		}
		for range 16 {
			<-done
		}
		s.awaitNone(t)
	})
}
