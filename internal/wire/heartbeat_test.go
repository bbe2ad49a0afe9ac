package wire

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/wire/wiretest"
)

// A black hole takes connections and requests, and gives nothing.
func TestBlackHole(t *testing.T) {
	dialed, accepted := wiretest.Sockets(t)
	defer accepted.Close()
	lost := make(chan error, 1)
	client := NewClient(dialed, Config{Heartbeat: 5 * time.Millisecond, Lost: func(err error) { lost <- err }})
	s := open(t, client, "x")
	if _, _, err := s.Next(); err != ErrSilent || !errors.Is(err, ErrLost) {
		t.Errorf("Next: %v", err)
	}
	<-client.Done()
	if err := <-lost; err != ErrSilent {
		t.Errorf("lost: %v", err)
	}
}

// The same where even writing doesn't succeed: the pipe takes nothing that isn't read.
func TestBlackHoleInTime(t *testing.T) {
	for _, tt := range []struct {
		name string
		ask  bool
		most time.Duration
	}{
		{"asked", true, 5 * time.Second},
		{"idle", false, 9 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				client, _ := rawServer(t, Config{Heartbeat: time.Second})
				if tt.ask {
					open(t, client, "x")
				}
				<-client.Done()
				if d := time.Since(begun); client.Err() != ErrSilent || d < 4*time.Second || d > tt.most {
					t.Errorf("ended with %v after %v", client.Err(), d)
				}
			})
		})
	}
}

// The client dies, its connection stays.
func TestSilentClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		server, r := rawClient(t, Config{Heartbeat: time.Second, Serve: func(c *Call) { <-c.Context().Done() }})
		r.send(frame(kindRequest, 1, word(1)...))
		server.Wait()
		if d := time.Since(begun); server.Err() != ErrSilent || d < 9*time.Second || d > 10*time.Second {
			t.Errorf("ended with %v after %v", server.Err(), d)
		}
	})
}

// However long a response takes, and however long there are no requests, the connection lives, as
// both sides send heartbeats.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		var traffic Traffic
		client, server := join(t, here, there, Config{Traffic: &traffic}, Config{Serve: func(c *Call) {
			select {
			case <-time.After(time.Hour):
			case <-c.Context().Done():
				t.Errorf("the call ended: %v", c.Context().Err())
			}
			echo(c)
		}})
		before := traffic.In.Load()
		next(t, open(t, client, "slow"), "slow")
		after := traffic.In.Load()
		if pongs := (after - before) / headerSize; pongs < 17_000 || pongs > 18_010 {
			t.Errorf("%d pongs in an hour", pongs)
		}
		<-time.After(time.Hour)
		synctest.Wait()
		idle := traffic.In.Load()
		if pongs := (idle - after) / headerSize; pongs < 3500 || pongs > 3610 {
			t.Errorf("%d pongs in an idle hour", pongs)
		}
		if d := time.Since(client.LastHeard()); d > time.Second {
			t.Errorf("last heard %v ago", d)
		}
		next(t, open(t, client, "slow"), "slow")
		client.Close()
		server.Wait()
	})
}

// The same in real time: Serve waits until many pings have come.
func TestSlowServe(t *testing.T) {
	const pings = 20
	release := make(chan struct{})
	dialed, accepted := wiretest.Sockets(t)
	counted := &countingConn{Conn: accepted, left: pings, reached: release}
	cfg := Config{Heartbeat: 10 * time.Millisecond, Serve: func(c *Call) {
		<-release
		echo(c)
	}}
	client, _ := join(t, dialed, counted, cfg, cfg)
	next(t, open(t, client, "x"), "x")
}

// countingConn closes reached after so many reads.
type countingConn struct {
	net.Conn
	left    int
	reached chan struct{}
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.left--; c.left == 0 {
		close(c.reached)
	}
	return n, err
}

func TestPulse(t *testing.T) {
	const heartbeat = time.Second
	begun := time.Now()
	type tick struct {
		at    float64 // in heartbeats
		heard int64
		due   bool
		dead  bool
	}
	for _, tt := range []struct {
		name  string
		ticks []tick
	}{
		{"silence", []tick{{1, 1, true, false}, {2, 1, true, false}, {3, 1, true, false}, {4, 1, true, true}}},
		{"nothing is due", []tick{{1, 1, true, false}, {2, 1, false, false}, {3, 1, false, false}, {4, 1, false, false}, {5, 1, true, false}, {6, 1, true, false}, {7, 1, true, true}}},
		{"a sign of life", []tick{{1, 0, true, false}, {2, 0, true, false}, {3, 2, true, false}, {4, 2, true, false}, {5, 2, true, false}, {6, 2, true, true}}},
		{"stopped for long", []tick{{1, 1, true, false}, {2, 1, true, false}, {3, 1, true, false}, {100, 1, true, false}, {101, 1, true, false}, {102, 1, true, false}, {103, 1, true, true}}},
		{"a heartbeat a little late", []tick{{1, 1, true, false}, {2.9, 1, true, false}, {3, 1, true, false}, {4, 1, true, true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := pulse{patience: 3, every: heartbeat, last: begun}
			for _, k := range tt.ticks {
				dead := p.tick(begun.Add(time.Duration(k.at*float64(heartbeat))), k.heard, k.due)
				if dead != k.dead {
					t.Errorf("at heartbeat %v: dead %v", k.at, dead)
				}
			}
		})
	}
}
