package listen_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/listen"
)

// TestSlowClients: a client who takes a large response slowly gets it all, whether a handler, one
// that the lane has handed the request, or the lane writes it at once; one who takes nothing any
// more doesn't.
func TestSlowClients(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for name, large := range map[string]*largeResponse{"handler": {}, "handed on": {handed: true},
		"lane": {lane: new(echoLane)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &http.Server{IdleTimeout: time.Hour, WriteTimeout: timeout, Handler: large}
			s := openWith(t, 0, h, large.asLane())
			s.serve()

			c := s.dial(t)
			for {
				c.send(t, getLarge)
				n, took, pause, err := c.readSlowly(t, 3*timeout)
				if n == largeSize && err == nil {
					if took < 2*timeout {
						t.Errorf("it took no longer than %s", took)
					}
					break
				}
				if pause < timeout/2 { // else this process stood still
					t.Fatalf("%d bytes in %s, %v", n, took, err)
				}
				c = s.dial(t)
			}

			large.forget() // that this process stood still
			c.send(t, getLarge)
			for large.failure() == nil {
				<-time.After(time.Millisecond)
			}
			if err := large.failure(); !errors.As(err, new(net.Error)) {
				t.Error(err)
			}
			if n, err := io.Copy(io.Discard, c.r); n == largeSize && err == nil {
				t.Error("a client that has stalled gets it all")
			}
		})
	}
}

// readSlowly reads a large response within that time, if it can, and returns the longest pause
// between two of its bytes.
func (c *client) readSlowly(t *testing.T, within time.Duration) (n int64, took, pause time.Duration,
	err error) {
	t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, 0, 0, err
	}
	const steps = 64
	pace := time.NewTicker(within / steps)
	defer pace.Stop()
	begun := time.Now()
	for last := begun; err == nil && n < largeSize; {
		<-pace.C
		var part int64
		part, err = io.CopyN(io.Discard, resp.Body, largeSize/steps)
		n += part
		pause = max(pause, time.Since(last))
		last = time.Now()
	}
	return n, time.Since(begun), pause, err
}

// largeResponse is a handler that writes a large response at once, or leaves that to a lane.
type largeResponse struct {
	lane   *echoLane
	handed bool
	failed atomic.Pointer[error] // of the last response that couldn't be sent
}

func (l *largeResponse) asLane() listen.Lane {
	switch {
	case l.lane != nil:
		return l.lane
	case l.handed:
		return handingLane{}
	}
	return nil
}

func (l *largeResponse) failure() error {
	if err := l.last().Load(); err != nil {
		return *err
	}
	return nil
}

func (l *largeResponse) forget() { l.last().Store(nil) }

func (l *largeResponse) last() *atomic.Pointer[error] {
	if l.lane != nil {
		return &l.lane.failed
	}
	return &l.failed
}

func (l *largeResponse) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", strconv.Itoa(largeSize))
	if _, err := w.Write(make([]byte, largeSize)); err != nil {
		l.failed.Store(&err)
	}
}
