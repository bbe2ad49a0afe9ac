// Package listen serves clients' connections until they are drained.
//
// A listener and an http.Server go in. net/http serves the connections. This package handles, at
// the connection, what net/http hides of requests, what it refuses without a handler, and what it
// does in the wrong order when it stops:
//
//	accept ─► conn ─► lane ─► scanner, which follows heads ─► net/http ─► writer ─► handler
//	            │       ├► plain hits are answered at once
//	            │       └► other plain requests: response ─► handler
//	            └──► what net/http writes without a handler is a refusal: logged, counted
//
// net/http gets a connection with the first request that isn't a plain one. The lane sees the later
// ones, too, before net/http does. Nothing tells a client, or a handler, which requests net/http
// has read: a response sends what net/http would.
//
// Clients lose no request when a Server is drained: see Drain. A Server serves HTTP/1. It refuses
// HTTP/2 by prior knowledge, in HTTP/2.
package listen

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"
)

// Server serves the connections of one listener.
type Server struct {
	shared
	open

	// Inherited means that the listener's socket is another process's as well, which will listen on
	// it after this one, or have a third one listen. Drain leaves the socket as it is, and what is
	// in its queue to the next process. It is set before Serve.
	Inherited bool

	listener net.Listener
	delay    time.Duration
}

// New makes a Server, which the caller runs with Serve and ends with Drain. It owns l and h.
//
// The listener is for TCP. To be drained without a loss it must not be for Multipath TCP, which is
// package net's default. The Server serves with h's Handler, timeouts, MaxHeaderBytes and ErrorLog.
// The lane answers for h's Handler what it can; it may be nil. When the Server is drained, it
// accepts new connections, and requests on idle ones, for the time of delay. It logs to log the
// requests that no handler sees.
func New(l net.Listener, h *http.Server, lane Lane, delay time.Duration,
	log zerolog.Logger) *Server {
	s := &Server{listener: l, delay: delay}
	s.http, s.handler, s.lane, s.log = h, h.Handler, lane, log
	s.conns, s.clients, s.limit = map[*conn]early{}, clients{}, newLimit()
	tellWhatIsLeft(l)
	s.renewal = renewal(h.IdleTimeout, h.WriteTimeout)
	h.Handler = http.HandlerFunc(s.serve)
	h.DisableGeneralOptionsHandler = true // so that the handler sees "OPTIONS *"
	h.ConnState = s.track
	h.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}
	return s
}

// Addr returns the listener's address.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// SetDelay replaces the delay that New was given, before Drain.
func (s *Server) SetDelay(delay time.Duration) { s.delay = delay }

// Refused returns how many requests have been refused without the handler.
func (s *Server) Refused() int64 { return s.refused.Load() }

// RefusedConns returns how many connections have been refused since there were MaxConns, and how
// many since their client had MaxClientConns.
func (s *Server) RefusedConns() (many, ofClient int64) {
	return s.limit.refused.Load(), s.limit.crowded.Load()
}

// Serve accepts connections until the server is drained. It returns nil then, and else the
// listener's error. It is called once.
func (s *Server) Serve() error {
	err := s.http.Serve(s.Listener())
	if errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Listener returns the listener that the http.Server given to New serves, for those who call its
// Serve by themselves, once.
func (s *Server) Listener() net.Listener {
	return &acceptor{Listener: s.listener, server: &s.shared, open: &s.open,
		ready: make(chan arrival), closed: make(chan struct{})}
}

type connKey struct{}

// serve hands a request to the handler, unless it is to be refused.
func (s *Server) serve(rw http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	refuse, last := c.begin()
	w := &c.writer
	*w = writer{ResponseWriter: rw, timeout: s.http.WriteTimeout, draining: &s.draining,
		last: last}
	switch {
	case r.Method == "PRI" && r.ProtoMajor == 2:
		s.refuse(c.RemoteAddr(), http.StatusHTTPVersionNotSupported, "HTTP/2 without TLS")
		refuseHTTP2(c, rw, c.hearOut)
	case refuse != "":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "400 Bad Request")
		s.refuse(c.RemoteAddr(), http.StatusBadRequest, refuse)
	default:
		s.handler.ServeHTTP(w, r)
		w.begin() // net/http sends an empty response if the handler has written none
	}
	*w = writer{}
}

// renewal is how long deadlines that are that far away are left as they are.
func renewal(timeouts ...time.Duration) time.Duration {
	longest := time.Duration(1<<63 - 1)
	for _, timeout := range timeouts {
		if timeout > 0 {
			longest = min(longest, timeout/8)
		}
	}
	return longest
}
