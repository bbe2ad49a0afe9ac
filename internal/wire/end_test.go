package wire

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// A stream that is given up, in whichever way, ends at once on both sides, and the connection lives
// on.
func TestCancel(t *testing.T) {
	enough := errors.New("enough")
	for _, tt := range []struct {
		name   string
		cancel func(s *Stream, ctx context.CancelCauseFunc)
		want   error
	}{
		{"close", func(s *Stream, _ context.CancelCauseFunc) { _ = s.Close() }, ErrClosed},
		{"context", func(_ *Stream, ctx context.CancelCauseFunc) { ctx(enough) }, enough},
	} {
		for _, use := range []string{"next", "read", "nothing"} {
			t.Run(tt.name+" in "+use, func(t *testing.T) {
				started := make(chan struct{}, 2)
				written := make(chan error, 1)
				causes := make(chan error, 1)
				client, _ := pair(t, Config{Window: 100_000}, Config{Serve: func(c *Call) {
					started <- struct{}{}
					switch string(c.Message()) {
					case "next": // wait for it
					case "read":
						_, err := c.Write(pattern(1, 1000))
						written <- err
					case "nothing":
						_, err := c.Write(pattern(1, 1<<20)) // more than the window
						written <- err
					default:
						echo(c)
						return
					}
					<-c.Context().Done()
					causes <- context.Cause(c.Context())
					if err := c.Reply(nil, nil); err != ErrCancelled {
						t.Errorf("Reply: %v", err)
					}
				}})
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				s, err := client.Open(ctx, []byte(use), 0)
				if err != nil {
					t.Fatal(err)
				}
				<-started // else it might never be sent
				ended := make(chan error, 1)
				switch use {
				case "next":
					go func() { _, _, err := s.Next(); ended <- err }()
				case "read":
					go func() { _, err := io.Copy(io.Discard, s); ended <- err }()
					<-written
				default:
					ended <- tt.want
				}
				tt.cancel(s, cancel)
				if err := <-ended; err != tt.want {
					t.Errorf("%s: %v", use, err)
				}
				if err := <-causes; err != ErrCancelled {
					t.Errorf("the call's context ended with %v", err)
				}
				if use == "nothing" {
					if err := <-written; err != ErrCancelled {
						t.Errorf("Write: %v", err)
					}
				}
				if _, err := s.Read(make([]byte, 1)); err != tt.want {
					t.Errorf("Read: %v", err)
				}
				if n := client.Streams(); n != 0 {
					t.Errorf("%d streams are left", n)
				}
				next(t, open(t, client, "x"), "x")
			})
		}
	}
}

func TestOpenWithDeadContext(t *testing.T) {
	client, _ := pair(t, Config{}, Config{})
	ctx, cancel := context.WithCancelCause(context.Background())
	enough := errors.New("enough")
	cancel(enough)
	if _, err := client.Open(ctx, nil, 0); err != enough {
		t.Errorf("Open: %v", err)
	}
}

// Once a response has ended, the end of its context changes nothing any more.
func TestContextAfterEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, r := rawServer(t, Config{})
		ctx, cancel := context.WithCancel(context.Background())
		s, err := client.Open(ctx, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		r.want(kindRequest, 1)
		r.send(frame(kindReply|last, 1, word(0, 'm')...))
		synctest.Wait()
		cancel()
		synctest.Wait()
		next(t, s, "m")
		wantEOF(t, s, "")
		client.Close()
	})
}

// A request that is given up before it could be sent never is.
func TestCancelBeforeSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, r := rawServer(t, Config{})
		open(t, client, "first")
		synctest.Wait() // it is being written, as nothing is read
		_ = open(t, client, "second").Close()
		open(t, client, "third")
		r.want(kindRequest, 1)
		r.want(kindRequest, 3)
		client.Close()
	})
}

// All methods of a stream may be called while others end it.
func TestCloseAtAnyTime(t *testing.T) {
	client, _ := pair(t, Config{Window: 1000}, Config{Serve: func(c *Call) {
		_ = c.Reply([]byte("m"), pattern(1, 10_000))
		_, _ = c.Write(pattern(1, 5000))
		_ = c.End(nil)
	}})
	var wg sync.WaitGroup
	for i := range 500 {
		ctx, cancel := context.WithCancel(context.Background())
		s, err := client.Open(ctx, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if i%3 > 0 {
				_, _, _ = s.Next()
			}
			_, _ = io.CopyN(io.Discard, s, int64(i)*20)
			_ = s.End()
			cancel()
		})
		wg.Go(func() {
			if i%2 > 0 {
				_ = s.Close()
			}
		})
	}
	wg.Wait()
	for client.Streams() > 0 { // a context that ends cancels in its own time
		runtime.Gosched()
	}
}

// When a connection is cut, Lost knows before any stream and any call do.
func TestLostFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var told, learnt atomic.Int32
		lost := func(err error) {
			if !errors.Is(err, ErrLost) || errors.Is(err, ErrSilent) {
				t.Errorf("lost: %v", err)
			}
			told.Add(1)
			<-release
		}
		client, r := rawServer(t, Config{Lost: lost})
		server, r2 := rawClient(t, Config{Lost: lost, Serve: func(c *Call) {
			<-c.Context().Done()
			if err := context.Cause(c.Context()); !errors.Is(err, ErrLost) {
				t.Errorf("the call's context ended with %v", err)
			}
			learnt.Add(1)
		}})
		read := func(s *Stream) {
			_, _, err := s.Next()
			if !errors.Is(err, ErrLost) {
				t.Errorf("Next: %v", err)
			}
			learnt.Add(1)
		}
		go read(open(t, client, "before"))
		r.want(kindRequest, 1)
		r2.send(frame(kindRequest, 1, word(1)...))
		r.send(frame(kindReply, 1, word(small+2)...))
		_ = r.conn.Close()
		_ = r2.conn.Close()
		synctest.Wait()
		go read(open(t, client, "while Lost is running"))
		synctest.Wait()
		if told.Load() != 2 || learnt.Load() != 0 {
			t.Errorf("Lost was told %d times, and %d streams and calls know", told.Load(), learnt.Load())
		}
		if client.Err() != nil || server.Err() != nil {
			t.Error("Err knows")
		}
		close(release)
		<-client.Done()
		server.Wait()
		synctest.Wait()
		if told.Load() != 2 || learnt.Load() != 3 {
			t.Errorf("Lost was told %d times, and %d streams and calls know", told.Load(), learnt.Load())
		}
		if _, err := client.Open(context.Background(), nil, 0); !errors.Is(err, ErrLost) {
			t.Errorf("Open: %v", err)
		}
		if !errors.Is(client.Err(), ErrLost) || !errors.Is(server.Err(), ErrLost) {
			t.Errorf("Err: %v, %v", client.Err(), server.Err())
		}
	})
}

// Content that came before the connection was cut is read before its error.
func TestCutInContent(t *testing.T) {
	client, r := rawServer(t, Config{Heartbeat: patient})
	s := open(t, client, "")
	r.want(kindRequest, 1)
	r.send(frame(kindData, 1, pattern(1, 100)...))
	r.send(frame(kindData, 1, pattern(2, 100)...)[:50])
	_ = r.conn.Close()
	<-client.Done()
	got, err := io.ReadAll(s)
	if string(got) != string(pattern(1, 100)) || !errors.Is(err, ErrLost) || !errors.Is(err, io.EOF) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestClose(t *testing.T) {
	lost := make(chan error, 2)
	client, server := pair(t,
		Config{Lost: func(err error) { lost <- err }},
		Config{Serve: func(c *Call) { <-c.Context().Done() }})
	s := open(t, client, "x")
	client.Close()
	client.Close()
	if _, _, err := s.Next(); err != ErrClosed {
		t.Errorf("Next: %v", err)
	}
	if err := <-lost; err != ErrClosed {
		t.Errorf("lost: %v", err)
	}
	<-client.Done()
	if client.Err() != ErrClosed {
		t.Errorf("Err: %v", client.Err())
	}
	server.Wait()
	if err := server.Err(); !errors.Is(err, ErrLost) {
		t.Errorf("the other side: %v", err)
	}
}

func TestServerCloses(t *testing.T) {
	started := make(chan struct{}, 2)
	errs := make(chan error, 4)
	client, server := pair(t, Config{}, Config{Serve: func(c *Call) {
		started <- struct{}{}
		<-c.Context().Done()
		errs <- context.Cause(c.Context())
		errs <- c.End(nil)
	}})
	streams := []*Stream{open(t, client, "x"), open(t, client, "y")}
	<-started
	<-started
	server.Close()
	for _, s := range streams {
		if _, _, err := s.Next(); !errors.Is(err, ErrLost) || errors.Is(err, ErrLeft) {
			t.Errorf("Next: %v", err)
		}
	}
	server.Wait()
	for range cap(errs) {
		if err := <-errs; err != ErrClosed {
			t.Errorf("the call: %v", err)
		}
	}
}

// A side that leaves goes on answering; when all has been answered, the client closes the
// connection.
func TestLeave(t *testing.T) {
	release := make(chan struct{})
	left := make(chan struct{})
	var client *Client
	ready := make(chan struct{})
	client, server := pair(t, Config{Leaving: func() {
		<-ready
		client.CloseIdle()
		close(left) // a second time would panic
	}}, Config{Serve: func(c *Call) {
		<-release
		echo(c)
	}})
	close(ready)
	s := open(t, client, "x")
	server.Leave()
	server.Leave()
	<-left
	if _, err := client.Open(context.Background(), nil, 0); err != ErrClosed {
		t.Errorf("Open: %v", err)
	}
	close(release)
	next(t, s, "x")
	<-client.Done()
	server.Wait()
}

func TestLeft(t *testing.T) {
	left := make(chan struct{})
	client, server := pair(t, Config{Leaving: func() { close(left) }}, Config{Serve: echo})
	server.Leave()
	<-left
	next(t, open(t, client, "still answered"), "still answered")
	server.Close()
	<-client.Done()
	if err := client.Err(); !errors.Is(err, ErrLeft) || !errors.Is(err, ErrLost) {
		t.Errorf("Err: %v", err)
	}
}
