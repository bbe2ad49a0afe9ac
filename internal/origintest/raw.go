package origintest

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Raw is a server that speaks what a test makes it say, over real sockets.
type Raw struct {
	net.Listener
	Conns atomic.Int64 // that it has accepted

	work sync.WaitGroup
	mu   sync.Mutex
	open []net.Conn // guarded by mu
}

// Serve calls serve for each connection, the nth from 1 on, in a goroutine of its own, and closes
// the connection after. What blocks serve must end with the connection, which the test's end
// closes.
func Serve(tb testing.TB, serve func(n int64, c net.Conn, r *bufio.Reader)) *Raw {
	tb.Helper()
	s := &Raw{Listener: Listen(tb)}
	s.work.Go(func() {
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open = append(s.open, c)
			s.mu.Unlock()
			n := s.Conns.Add(1)
			s.work.Go(func() {
				defer c.Close()
				serve(n, c, bufio.NewReader(c))
			})
		}
	})
	tb.Cleanup(func() {
		s.Close()
		s.mu.Lock()
		for _, c := range s.open {
			c.Close()
		}
		s.mu.Unlock()
		s.work.Wait()
	})
	return s
}
