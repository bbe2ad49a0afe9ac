package wire

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// A black hole takes connections and asks, and gives nothing.
func TestBlackHole(t *testing.T) {
	dialed, accepted := sockets(t)
	defer accepted.Close()
	lost := make(chan error, 1)
	asker := Ask(dialed, Config{Beat: 5 * time.Millisecond, Lost: func(err error) { lost <- err }})
	s := open(t, asker, "x")
	if _, _, err := s.Next(); err != ErrDead || !errors.Is(err, ErrLost) {
		t.Errorf("Next: %v", err)
	}
	<-asker.Done()
	if err := <-lost; err != ErrDead {
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
				asker, _ := rawAnswerer(t, Config{Beat: time.Second})
				if tt.ask {
					open(t, asker, "x")
				}
				<-asker.Done()
				if d := time.Since(begun); asker.Err() != ErrDead || d < 4*time.Second || d > tt.most {
					t.Errorf("ended with %v after %v", asker.Err(), d)
				}
			})
		})
	}
}

// The asker dies, its connection stays.
func TestSilentAsker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		answerer, r := rawAsker(t, Config{Beat: time.Second, Serve: func(c *Call) { <-c.Context().Done() }})
		r.send(frame(kindAsk, 1, lead(0, 1)...))
		answerer.Wait()
		if d := time.Since(begun); answerer.Err() != ErrDead || d < 9*time.Second || d > 10*time.Second {
			t.Errorf("ended with %v after %v", answerer.Err(), d)
		}
	})
}

// However long an answer takes, and however long there is nothing to ask, the connection lives, as both sides beat.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		asker, answerer := join(t, here, there, Config{}, Config{Serve: func(c *Call) {
			select {
			case <-time.After(time.Hour):
			case <-c.Context().Done():
				t.Errorf("the call ended: %v", c.Context().Err())
			}
			echo(c)
		}})
		before, _ := asker.Traffic()
		next(t, open(t, asker, "slow"), "slow")
		after, _ := asker.Traffic()
		if pongs := (after - before) / headerSize; pongs < 17_000 || pongs > 18_010 {
			t.Errorf("%d pongs in an hour", pongs)
		}
		<-time.After(time.Hour)
		synctest.Wait()
		idle, _ := asker.Traffic()
		if pongs := (idle - after) / headerSize; pongs < 3500 || pongs > 3610 {
			t.Errorf("%d pongs in an idle hour", pongs)
		}
		if d := time.Since(asker.LastHeard()); d > time.Second {
			t.Errorf("last heard %v ago", d)
		}
		next(t, open(t, asker, "slow"), "slow")
		_ = asker.Close()
		answerer.Wait()
	})
}

// The same in real time: Serve waits until many pings have come.
func TestSlowServe(t *testing.T) {
	const pings = 20
	release := make(chan struct{})
	dialed, accepted := sockets(t)
	counted := &countingConn{Conn: accepted, left: pings, reached: release}
	cfg := Config{Beat: 10 * time.Millisecond, Serve: func(c *Call) {
		<-release
		echo(c)
	}}
	asker, _ := join(t, dialed, counted, cfg, cfg)
	next(t, open(t, asker, "x"), "x")
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

// A side that gives signs of life, but none that it has got an ask, is as good as dead.
func TestIgnoredAsk(t *testing.T) {
	for _, acked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			asker, r := rawAnswerer(t, Config{Beat: time.Second})
			begun := time.Now()
			open(t, asker, "x")
			go func() {
				defer r.conn.Close()
				for range 20 {
					k, id, _, err := r.tryRead()
					switch {
					case err != nil:
						return
					case k == kindPing:
						_, _ = r.conn.Write(frame(kindPong, id))
					case acked:
						_, _ = r.conn.Write(frame(kindAck, id))
					}
				}
			}()
			<-asker.Done()
			d := time.Since(begun)
			if !acked && (asker.Err() != ErrDead || d < 4*time.Second || d > 6*time.Second) {
				t.Errorf("ended with %v after %v", asker.Err(), d)
			}
			if acked && (errors.Is(asker.Err(), ErrDead) || d < 19*time.Second) {
				t.Errorf("ended with %v after %v", asker.Err(), d)
			}
		})
	}
}

// Every ask is acknowledged with the next pong at the latest, unless its answer has said it already.
func TestAck(t *testing.T) {
	release := make(chan struct{})
	_, r := rawAsker(t, Config{Beat: patient, Serve: func(c *Call) {
		if len(c.Message()) > 0 {
			<-release
		}
		echo(c)
	}})
	r.send(frame(kindAsk, 1, lead(0, 1)...))
	if k, id, _ := r.read(); k != kindMessage|last || id != 1 {
		t.Errorf("frame of kind %#x, stream %d", k, id)
	}
	r.send(frame(kindAsk, 2, lead(2, 1, 1)...)) // half of it
	go func() {
		r.send(frame(kindPing, 77))
		r.send(frame(kindMore, 2, 1))
		r.send(frame(kindPing, 78))
	}()
	acks := 0
	for pong := uint64(0); pong < 78 || acks == 0; {
		switch k, id, _ := r.read(); {
		case k == kindPong && id > pong:
			pong = id
		case k == kindAck && id == 2 && acks == 0:
			acks++
		default:
			t.Errorf("frame of kind %#x, stream %d", k, id)
		}
	}
	close(release)
	if p := r.want(kindMessage|last, 2); len(p) != leadSize+2 {
		t.Errorf("%d bytes", len(p))
	}
}

func TestPulse(t *testing.T) {
	const beat = time.Second
	begun := time.Now()
	type tick struct {
		at    float64 // in beats
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
		{"a beat a little late", []tick{{1, 1, true, false}, {2.9, 1, true, false}, {3, 1, true, false}, {4, 1, true, true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := pulse{patience: 3, every: beat, last: begun}
			for _, k := range tt.ticks {
				p.tick(begun.Add(time.Duration(k.at*float64(beat))), k.heard, k.due)
				if p.dead() != k.dead {
					t.Errorf("at beat %v: dead %v", k.at, p.dead())
				}
			}
		})
	}
	t.Run("overdue", func(t *testing.T) {
		p := pulse{patience: 3, every: beat, last: begun}
		for i, k := range []struct {
			at      float64
			overdue bool
		}{{1, false}, {2, false}, {3, false}, {50, false}, {51, false}, {52, false}, {53, true}} {
			p.tick(begun.Add(time.Duration(k.at*float64(beat))), int64(i), true)
			if p.overdue(0) != k.overdue {
				t.Errorf("at beat %v: overdue %v", k.at, p.overdue(0))
			}
		}
	})
}
