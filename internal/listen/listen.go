// Package listen serves clients' connections until they are drained.
//
// A listener and an http.Server go in. The connections are net/http's; what net/http hides of
// requests, refuses by itself, or does in the wrong order when it stops is dealt with here, at the
// connection:
//
//	accept ─► conn ─► scanner, which follows heads ─► net/http ─► writer ─► handler
//	            └──► what net/http writes without a handler is a refusal: logged, counted
//
// A Server is drained so that clients lose no request: see Drain. It serves HTTP/1; HTTP/2 by prior
// knowledge is refused in its own words.
package listen

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// Server serves the connections of one listener.
type Server struct {
	listener net.Listener
	http     *http.Server
	handler  http.Handler
	delay    time.Duration
	log      zerolog.Logger // of the requests that no handler sees
	refused  atomic.Int64   // their number

	serving  sync.Mutex  // held by Serve
	draining atomic.Bool // responses end their connections
	cut      atomic.Bool // connections are closed at once

	mu    sync.Mutex
	conns map[*conn]struct{} // open and not hijacked; guarded by mu
}

// New makes a Server, which the caller runs with Serve and ends with Drain. It owns l and h.
//
// The listener is for TCP, and for plain TCP if it is to be drained without a loss: package net's
// are for Multipath TCP by default. How the Server serves is what h's Handler, timeouts,
// MaxHeaderBytes and ErrorLog say. When it is drained, new connections are accepted for the time of
// delay, and idle ones may bring a request for as long. Requests that no handler sees are logged to
// log.
func New(l net.Listener, h *http.Server, delay time.Duration, log zerolog.Logger) *Server {
	s := &Server{listener: l, http: h, handler: h.Handler, delay: delay, log: log}
	s.conns = map[*conn]struct{}{}
	h.Handler = http.HandlerFunc(s.serve)
	h.DisableGeneralOptionsHandler = true // so that the handler sees "OPTIONS *"
	h.ConnState = s.track
	h.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}
	return s
}

// Addr is the listener's.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Refused is how many requests have been refused without the handler.
func (s *Server) Refused() int64 { return s.refused.Load() }

// Serve accepts connections until the server is drained. It returns nil then, and else the
// listener's error. It is called once.
func (s *Server) Serve() error {
	s.serving.Lock()
	defer s.serving.Unlock()
	err := s.http.Serve(listener{s.listener, s})
	if errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// listener makes conns of what is accepted.
type listener struct {
	net.Listener
	server *Server
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{TCPConn: c.(*net.TCPConn), server: l.server}, nil
}

type connKey struct{}

// serve hands a request to the handler, unless it is to be refused.
func (s *Server) serve(rw http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	refuse, last := c.begin()
	switch {
	case r.Method == "PRI" && r.ProtoMajor == 2:
		s.refuse(c, http.StatusHTTPVersionNotSupported, "HTTP/2 without TLS")
		refuseHTTP2(c, rw)
	case refuse != "":
		writeRefusal(rw)
		s.refuse(c, http.StatusBadRequest, refuse)
	default:
		w := &c.writer
		*w = writer{ResponseWriter: rw, draining: &s.draining, last: last}
		s.handler.ServeHTTP(w, r)
		w.begin() // if the handler hasn't said anything, its response is about to go
		*w = writer{}
	}
}

// track follows the connections.
func (s *Server) track(nc net.Conn, state http.ConnState) {
	c := nc.(*conn)
	switch state {
	case http.StateNew:
		s.mu.Lock()
		defer s.mu.Unlock()
		c.rest()
		s.conns[c] = struct{}{}
	case http.StateIdle:
		c.rest()
	case http.StateHijacked:
		c.release()
		s.forget(c)
	case http.StateClosed:
		s.forget(c)
	}
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}
