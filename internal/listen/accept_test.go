package listen_test

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/listen"
	"github.com/scurrycache/scurry/internal/race"
)

// scripted is a listener that accepts what the test says.
type scripted struct {
	net.Listener
	next   chan any // a connection or an error
	down   chan struct{}
	once   sync.Once
	closes func() // called as it is closed
}

func (l *scripted) Accept() (net.Conn, error) {
	select {
	case next := <-l.next:
		if c, ok := next.(net.Conn); ok {
			return c, nil
		}
		return nil, next.(error)
	case <-l.down:
		return nil, net.ErrClosed
	}
}

func (l *scripted) Close() error {
	l.once.Do(func() {
		l.closes()
		close(l.down)
	})
	return l.Listener.Close()
}

// script makes a listener, the server for it, and connects clients to it that aren't accepted yet.
func script(t *testing.T, h *http.Server, lane listen.Lane, clients int) (l *scripted,
	s *listen.Server, ends [][2]net.Conn) {
	t.Helper()
	real, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = &scripted{Listener: real, next: make(chan any), down: make(chan struct{}),
		closes: func() {}}
	t.Cleanup(func() { l.Close() })
	for range clients {
		c, err := net.Dial("tcp", real.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		accepted, err := real.Accept()
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, [2]net.Conn{c, accepted})
	}
	h.Handler = http.HandlerFunc(echo)
	return l, listen.New(l, h, lane, 0, zerolog.Nop()), ends
}

// TestAcceptErrors: after an error that may pass, connections are accepted again; after another
// one, Serve returns it. Both don't harm those that are open.
func TestAcceptErrors(t *testing.T) {
	var text bytes.Buffer
	h := &http.Server{ErrorLog: log.New(&text, "", 0)}
	l, s, ends := script(t, h, new(echoLane), 2)
	served := make(chan error)
	go func() { served <- s.Serve() }()
	ask := func(c net.Conn, path string) {
		t.Helper()
		other := &client{c, nil}
		other.send(t, strings.Replace(get, "/a", path, 1))
		b := make([]byte, len("HTTP/1.1 200 OK"))
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "HTTP/1.1 200 OK" {
			t.Errorf("%q, %v", b, err)
		}
	}
	l.next <- ends[0][1]
	l.next <- &net.OpError{Op: "accept", Err: syscall.EMFILE}
	ask(ends[0][0], "/d")
	l.next <- ends[1][1]
	ask(ends[1][0], "/a")
	broken := &net.OpError{Op: "accept", Err: syscall.EBADF}
	l.next <- broken
	if err := <-served; err != broken {
		t.Errorf("Serve: %v", err)
	}
	if !strings.Contains(text.String(), "too many open files; retrying in 5ms") {
		t.Errorf("logged: %q", text.String())
	}
	h.Close()
}

// TestServeEndsWithItsListener: Serve returns when the listener is closed by others.
func TestServeEndsWithItsListener(t *testing.T) {
	l, s, _ := script(t, &http.Server{}, nil, 0)
	served := make(chan error)
	go func() { served <- s.Serve() }()
	l.next <- &net.OpError{Op: "accept", Err: syscall.EMFILE} // it serves
	l.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestLateConnection: a connection that is accepted while the server is closed ends.
func TestLateConnection(t *testing.T) {
	h := &http.Server{}
	l, s, ends := script(t, h, new(echoLane), 1)
	l.closes = func() { l.next <- ends[0][1] }
	served := make(chan error)
	go func() { served <- s.Serve() }()
	l.next <- &net.OpError{Op: "accept", Err: syscall.EMFILE} // it serves
	h.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
	_, _ = io.WriteString(ends[0][0], get)
	if b, _ := io.ReadAll(ends[0][0]); len(b) > 0 {
		t.Errorf("the closed server answers %q", b)
	}
}

// TestEndedConnectionsGiveTheirBuffersBack: connections that end after a hit share buffers.
func TestEndedConnectionsGiveTheirBuffersBack(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector, a pool forgets some of what it gets")
	}
	s, _ := startWith(t, &http.Server{}, 0)
	one := func() {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, get); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, len(laneAnswer))); err != nil {
			t.Fatal(err)
		}
	}
	const connections, limit = 1000, 4 << 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range connections {
		one()
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / connections; each > limit {
		t.Errorf("%d bytes are allocated for each, both ends together", each)
	}
}
