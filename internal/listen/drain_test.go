package listen_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// drain drains s until the test calls end, which returns Drain's error.
func (s *server) drain() (end func() error, drained <-chan error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Drain(ctx) }()
	return func() error {
		cancel()
		return <-done
	}, done
}

// awaitDraining waits until responses end their connections.
func (s *server) awaitDraining(t *testing.T) {
	t.Helper()
	for {
		conn := s.dial(t)
		conn.send(t, get)
		resp, _ := conn.response(t)
		if resp.Close {
			conn.ended(t)
			return
		}
		conn.Close()
	}
}

const forever = time.Hour // which no test waits for

// TestDrainTells: while the server says that it is about to stop, connections that are kept, new
// ones, and those whose response had begun before are answered once more, and end with that.
func TestDrainTells(t *testing.T) {
	goOn := make(chan struct{})
	s := start(t, forever, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/early": // its head goes before
			w.(http.Flusher).Flush()
			<-goOn
		case "/late": // and that of this one after
			<-goOn
		case "/informed":
			w.WriteHeader(http.StatusEarlyHints)
			<-goOn
		}
		io.WriteString(w, "acorn")
	})
	idle, silent := s.dial(t), s.dial(t)
	idle.send(t, get)
	if resp, _ := idle.response(t); resp.Close {
		t.Error("it ends before the server drains")
	}
	early, late, informed := s.dial(t), s.dial(t), s.dial(t)
	early.send(t, strings.Replace(get, "/a", "/early", 1))
	late.send(t, strings.Replace(get, "/a", "/late", 1))
	informed.send(t, strings.Replace(get, "/a", "/informed", 1))
	head, err := http.ReadResponse(early.r, nil)
	if err != nil || head.Close {
		t.Fatal(head, err)
	}
	if resp, _ := informed.response(t); resp.StatusCode != http.StatusEarlyHints {
		t.Fatal(resp.Status)
	}

	end, _ := s.drain()
	s.awaitDraining(t)
	close(goOn)
	if b, err := io.ReadAll(head.Body); err != nil || string(b) != "acorn" {
		t.Errorf("%q, %v", b, err)
	}
	for name, conn := range map[string]*client{"idle": idle, "silent": silent, "early": early,
		"late": late, "informed": informed} {
		if name != "late" && name != "informed" {
			conn.send(t, get+get) // the second one isn't answered
		}
		resp, got := conn.response(t)
		if !resp.Close || got != "acorn" {
			t.Errorf("%s: %q, close: %v", name, got, resp.Close)
		}
		conn.ended(t)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after the end, a connection gives %v", err)
	}
}

// TestDrainEmptiesTheQueue: what the system has accepted for the listener is served before that is
// closed.
func TestDrainEmptiesTheQueue(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the queue of a listener can be looked into on Linux only")
	}
	s := open(t, 0, echo)
	var queue []*client
	for range 50 {
		conn := s.dial(t)
		conn.send(t, get)
		queue = append(queue, conn)
	}
	_, drained := s.drain()
	s.serve()
	for i, conn := range queue {
		if _, err := conn.r.Peek(1); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		if _, got := conn.response(t); got != "/a " {
			t.Errorf("connection %d: %q", i, got)
		}
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// TestDrainWaitsForRequests, and closes connections that bring none, as soon as they have had the
// time for it.
func TestDrainWaitsForRequests(t *testing.T) {
	goOn, asked := make(chan struct{}), make(chan struct{})
	s := start(t, time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			close(asked)
			<-goOn
		}
	})
	idle, held := s.dial(t), s.dial(t)
	idle.send(t, get)
	idle.response(t)
	held.send(t, strings.Replace(get, "/a", "/held", 1))
	<-asked
	_, drained := s.drain()
	idle.ended(t)
	select {
	case err := <-drained:
		t.Fatalf("drained while a request is being answered: %v", err)
	default:
	}
	close(goOn)
	if resp, _ := held.response(t); !resp.Close {
		t.Error("its connection doesn't end")
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// TestDrainCuts: what takes longer than it may is cut, and told.
func TestDrainCuts(t *testing.T) {
	asked := make(chan struct{})
	s := start(t, forever, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			close(asked)
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}
	})
	held := s.dial(t)
	held.send(t, strings.Replace(get, "/a", "/held", 1))
	<-asked
	end, _ := s.drain()
	if err := end(); err == nil || err.Error() != "cut the transfers that were still in progress: 1" {
		t.Error(err)
	}
	held.ended(t)
}

// TestDrainEndsIdleConnections at last, without a word.
func TestDrainEndsIdleConnections(t *testing.T) {
	s := start(t, forever, echo)
	silent := []*client{s.dial(t), s.dial(t), s.dial(t)}
	end, _ := s.drain()
	s.awaitDraining(t) // and so the connections before have been accepted
	if err := end(); err != nil {
		t.Error(err)
	}
	for _, conn := range silent {
		conn.ended(t)
	}
}
