package listen

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Drain ends the server so that a client that heeds Connection: close loses no request. It
//
//   - makes each response end its connection, and accepts new connections for the server's delay,
//     in which clients and load balancers notice;
//   - keeps new connections out, serves those in the listener's queue, and closes the listener (or,
//     if that is Inherited, just stops accepting);
//   - waits for the current requests, and closes a connection on which no request comes within the
//     delay;
//   - closes the remaining connections when ctx ends. If that cuts requests, the error says so.
//
// A request that arrives on an idle connection just after that was closed is lost: HTTP/1 has no
// way to tell the client before.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	wait(ctx, s.delay)
	err := s.closeListener(ctx)
	if s.awaitConns(ctx) {
		return errors.Join(err, s.http.Close())
	}
	if cut := s.busy(); cut > 0 {
		err = errors.Join(err,
			fmt.Errorf("cut the transfers that were still in progress: %d", cut))
	}
	s.cut.Store(true)
	err = errors.Join(err, s.http.Close())
	// http.Server's Close doesn't wait for the handlers to return.
	ctx, cancel := context.WithTimeout(context.Background(), unwindTime)
	defer cancel()
	if !s.awaitConns(ctx) {
		err = errors.Join(err, fmt.Errorf(
			"requests haven't ended %s after their connections were closed", unwindTime))
	}
	return err
}

// wait waits for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

const (
	// handshake is how long a connection that has begun may take to be established once new ones
	// are kept out. It is longer than most round trips, and shorter than the second after which a
	// system tries again to connect.
	handshake = 250 * time.Millisecond
	// tick is how often Drain looks for what has ended.
	tick = 5 * time.Millisecond
	// unwindTime is how long a handler may take to notice that its connection is closed, log that,
	// and return.
	unwindTime = 2 * time.Second
)

// closeListener closes the listener when its queue is empty and stays empty. Where new connections
// can't be kept out, one may come at the last moment and is lost.
func (s *Server) closeListener(ctx context.Context) error {
	if s.Inherited {
		return s.stopAccepting()
	}
	if keepOut(s.listener) == nil {
		wait(ctx, min(s.delay, handshake))
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, handshake)
		defer cancel()
	}
	for readable(s.listener) && ctx.Err() == nil {
		wait(ctx, tick)
	}
	return s.stopAccepting()
}

// stopAccepting closes the listener, and waits until it is known what has been accepted.
func (s *Server) stopAccepting() error {
	err := s.listener.Close()
	s.accepting.Lock()
	defer s.accepting.Unlock()
	s.limit.heard.Wait() // which takes a moment
	return err
}

// awaitConns waits until no connection is open, and ends those that have been idle for the server's
// delay. It reports whether all had ended before ctx did.
func (s *Server) awaitConns(ctx context.Context) bool {
	for s.endIdle(time.Now().Add(-s.delay)) > 0 {
		if ctx.Err() != nil {
			return false
		}
		wait(ctx, tick)
	}
	return true
}
