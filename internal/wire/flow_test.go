package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
)

// A stream that isn't read holds up no other, and loses nothing.
func TestStuckReader(t *testing.T) {
	want := pattern(1, 4<<20)
	client, _ := pair(t, Config{}, Config{Serve: func(c *Call) {
		if string(c.Message()) != "bulk" {
			echo(c)
			return
		}
		_, _ = c.Write(want)
		_ = c.End(nil)
	}})
	stuck := open(t, client, "bulk")
	for range 100 {
		next(t, open(t, client, "small"), "small")
	}
	if got, err := io.ReadAll(stuck); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// Neither content nor replies go beyond what the client has room for.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const window = 10_000
		var replied, wrote int
		s, r := rawClient(t, Config{Serve: func(c *Call) {
			for c.Reply(make([]byte, 3000-replyCost), nil) == nil && replied < 4 {
				replied++
			}
			for wrote < 30_000 {
				n, err := c.Write(make([]byte, 1000))
				wrote += n
				if err != nil {
					return
				}
			}
		}})
		go r.discard()
		r.send(frame(kindRequest, 1, word(window)...))
		synctest.Wait()
		if replied != 4 || wrote != 0 { // the fifth would begin beyond the window
			t.Errorf("%d replies and %d bytes of content in a window of %d", replied, wrote, window)
		}
		r.send(frame(kindCredit, 1, binary.BigEndian.AppendUint32(nil, 12_000)...))
		synctest.Wait()
		if want := window + 12_000 - 5*3000; wrote != want {
			t.Errorf("wrote %d bytes, want %d", wrote, want)
		}
		s.Close()
	})
}

// A call queues no more than its own side's window, however much the client has room for.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wrote, replied int
		s, r := rawClient(t, Config{Window: 100_000, Serve: func(c *Call) {
			p := make([]byte, 10_000)
			for {
				if string(c.Message()) == "replies" {
					if c.Reply(nil, nil) != nil {
						return
					}
					replied++
					continue
				}
				n, err := c.Write(p)
				wrote += n
				if err != nil {
					return
				}
			}
		}})
		r.send(frame(kindRequest, 1, word(1<<30)...))
		r.send(frame(kindRequest, 2, word(1<<30, []byte("replies")...)...))
		synctest.Wait() // nothing is read
		if most := 100_000 + batchBulk + maxFrame; wrote < 100_000 || wrote > most {
			t.Errorf("wrote %d bytes, none of which were read", wrote)
		}
		if most := maxItems + scratchSize/headerSize; replied < maxItems || replied > most {
			t.Errorf("%d empty replies, none of which were read", replied)
		}
		s.Close()
	})
}

// A small response passes the bulk of other streams, which take turns.
func TestSmallPassesBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const streams = 4
		server, r := rawClient(t, Config{Serve: func(c *Call) {
			if string(c.Message()) == "small" {
				echo(c)
			} else {
				_ = c.Respond(nil, make([]byte, 32*maxFrame))
			}
		}})
		for id := range uint64(streams) {
			r.send(frame(kindRequest, id+1, word(1)...))
		}
		synctest.Wait() // the first batch is being written, as nothing is read
		r.send(frame(kindRequest, streams+1, word(1, []byte("small")...)...))
		synctest.Wait() // its response is queued
		before, passed := 0, false
		var order []uint64
		for len(order) < 10*streams {
			k, id, p := r.read()
			switch {
			case id == streams+1:
				passed = true
			case !passed:
				before += len(p)
			}
			if k == kindData {
				order = append(order, id)
			}
		}
		if !passed || before > batchBulk+maxFrame {
			t.Errorf("%d bytes of bulk went before a small message", before)
		}
		for i := 3 * streams; i < len(order); i++ { // before that, some might not have been queued
			if order[i] != order[i-streams] {
				t.Fatalf("streams don't take turns: %v", order)
			}
		}
		server.Close()
	})
}

// Bulk isn't held up by what is small, however much there is of that.
func TestBulkPassesSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const streams = 1000
		server, r := rawClient(t, Config{Serve: func(c *Call) {
			if string(c.Message()) == "bulk" {
				_ = c.Respond(nil, make([]byte, 2<<20))
			} else {
				_ = c.Respond(make([]byte, small), nil)
			}
		}})
		r.send(frame(kindRequest, 1, word(1, []byte("bulk")...)...))
		synctest.Wait() // its first batch is being written, as nothing is read
		for id := range uint64(streams) {
			r.send(frame(kindRequest, id+2, word(1)...))
		}
		synctest.Wait()
		bulk := 0
		for replies := 0; replies < streams; {
			k, _, p := r.read()
			if k&^last == kindData {
				bulk += len(p)
			} else {
				replies++
			}
		}
		if bulk != 2<<20 {
			t.Errorf("%d bytes of bulk went while there were small responses", bulk)
		}
		server.Close()
	})
}

// What a call has queued when it is cancelled isn't sent.
func TestCancelDropsQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, r := rawClient(t, Config{Serve: func(c *Call) {
			_ = c.Respond(nil, make([]byte, 2<<20))
		}})
		r.send(frame(kindRequest, 1, word(1)...))
		synctest.Wait() // the first batch is being written, as nothing is read
		r.send(frame(kindCancel, 1))
		r.send(frame(kindRequest, 2, word(1)...))
		synctest.Wait()
		sent := map[uint64]int{}
		for sent[2] < 2<<20 {
			_, id, p := r.read()
			sent[id] += len(p)
		}
		if sent[1] > batchBulk+maxFrame {
			t.Errorf("%d bytes of a cancelled call", sent[1])
		}
		server.mu.Lock()
		if n := len(server.calls); n != 0 {
			t.Errorf("%d calls are left", n)
		}
		server.mu.Unlock()
		server.Close()
	})
}

// Who sends more than was granted loses the connection.
func TestCredit(t *testing.T) {
	for _, tt := range []struct {
		name   string
		frames [][]byte
	}{
		{"content", [][]byte{frame(kindData, 1, make([]byte, 1000)...), frame(kindData, 1, 1)}},
		{"reply", [][]byte{frame(kindReply, 1, word(0, make([]byte, 1000)...)...), frame(kindReply, 1, word(0)...)}},
		{"content after reply", [][]byte{frame(kindReply, 1, word(0, make([]byte, 900)...)...), frame(kindData, 1, make([]byte, 37)...)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, r := rawServer(t, Config{Heartbeat: patient, Window: 1000})
			_ = open(t, client, "x")
			r.want(kindRequest, 1)
			for _, f := range tt.frames {
				r.send(f)
			}
			<-client.Done()
			if err := client.Err(); !errors.Is(err, ErrProtocol) {
				t.Errorf("the connection ended with %v", err)
			}
		})
	}
}

// What has been read is granted again, in few frames.
func TestGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, r := rawServer(t, Config{Window: 1000})
		s := open(t, client, "x")
		r.want(kindRequest, 1)
		var grants []uint32
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				k, _, p, err := r.tryRead()
				if err != nil {
					return
				}
				if k == kindCredit {
					grants = append(grants, binary.BigEndian.Uint32(p))
				}
			}
		}()
		for range 100 {
			r.send(frame(kindData, 1, make([]byte, 100)...))
			if _, err := io.ReadFull(s, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		client.Close()
		<-done
		if len(grants) != 20 || slices.Max(grants) != 500 || slices.Min(grants) != 500 {
			t.Errorf("granted %d", grants)
		}
	})
}

// A response that is read slowly goes on being read after the connection has ended.
func TestReadAfterClose(t *testing.T) {
	want := pattern(1, 300_000)
	client, _ := pair(t, Config{}, Config{Serve: func(c *Call) {
		_ = c.Reply([]byte("m"), nil)
		_, _ = c.Write(want)
		_ = c.End([]byte("d"))
	}})
	s := open(t, client, "x")
	client.CloseIdle() // ends the connection when the last stream has come to its end
	<-client.Done()
	next(t, s, "m")
	if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, want) || string(s.End()) != "d" {
		t.Errorf("%d bytes, %v, end %q", len(got), err, s.End())
	}
	if _, err := client.Open(context.Background(), nil, 0); err != ErrClosed {
		t.Errorf("Open: %v", err)
	}
}

// Once Read has returned, nothing is read into its slice, even if the stream was cancelled in
// mid-frame.
func TestReadKeepsItsSlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, r := rawServer(t, Config{})
		ctx, cancel := context.WithCancelCause(context.Background())
		s, err := client.Open(ctx, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		r.want(kindRequest, 1)
		go r.discard()
		errs := make(chan error, 1)
		go func() {
			_, err := s.Read(make([]byte, 10_000))
			errs <- err
		}()
		synctest.Wait()
		data := frame(kindData, 1, make([]byte, 10_000)...)
		r.send(data[:5000])
		synctest.Wait()
		enough := errors.New("enough")
		cancel(enough)
		synctest.Wait()
		select {
		case err := <-errs:
			t.Errorf("Read returned while its slice was being written to: %v", err)
		default:
		}
		r.send(data[5000:])
		if err := <-errs; err != enough {
			t.Errorf("Read: %v", err)
		}
		client.Close()
		<-client.Done()
		_ = r.conn.Close()
	})
}
