package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
)

const kindUnknown kind = 99

// Whatever the server mustn't send ends the connection. Streams 1, 2 and 4 are open, 3 was
// cancelled.
func TestHostileServer(t *testing.T) {
	message := frame(kindReply, 1, word(0, 'h', 'i')...)
	half := append(frame(kindReply, 1, word(small+2, 'h', 'i')...), frame(kindData, 1, make([]byte, small-1)...)...)
	for _, tt := range []struct {
		name   string
		frames [][]byte
		fine   bool
	}{
		{"unknown kind", [][]byte{frame(kindUnknown, 1)}, false},
		{"kind 0", [][]byte{make([]byte, headerSize)}, false},
		{"request", [][]byte{frame(kindRequest, 5, word(1)...)}, false},
		{"ping", [][]byte{frame(kindPing, 1)}, false},
		{"cancel", [][]byte{frame(kindCancel, 1)}, false},
		{"credit", [][]byte{frame(kindCredit, 1, 0, 0, 0, 1)}, false},
		{"stream never asked", [][]byte{frame(kindEnd, 5)}, false},
		{"stream 0", [][]byte{frame(kindEnd, 0)}, false},
		{"endless value", [][]byte{frame(kindReply, 1, word(1<<31)...)}, false},
		{"message too large", [][]byte{frame(kindReply, 1, make([]byte, 4+maxMessage+small+1)...)[:headerSize]}, false},
		{"message within a value", [][]byte{half, frame(kindReply, 1, word(0)...)}, false},
		{"value that never begins", [][]byte{frame(kindReply|last, 1, word(small+2, 'h', 'i')...)}, false},
		{"half a small value", [][]byte{frame(kindReply, 1, word(4, 'h', 'i')...)}, false},
		{"value that ends too early", [][]byte{half, frame(kindData|last, 1, 1)}, false},
		{"end within a value", [][]byte{half, frame(kindEnd, 1)}, false},
		{"abort within a value", [][]byte{half, frame(kindAbort, 1)}, false},
		{"empty data", [][]byte{frame(kindData, 1)}, false},
		{"message after data", [][]byte{frame(kindData, 1, 1), message}, false},
		{"large frame", [][]byte{frame(kindData, 1, make([]byte, maxFrame+1)...)[:headerSize]}, false},
		{"largest header", [][]byte{bytes.Repeat([]byte{255}, headerSize)}, false},
		{"last pong", [][]byte{frame(kindPong|last, 1)}, false},
		{"pong with payload", [][]byte{frame(kindPong, 1, 1)}, false},
		{"refusal with payload", [][]byte{frame(kindRefuse, 1, 1)}, false},

		{"pong of no ping", [][]byte{frame(kindPong, 77)}, true},
		{"content behind a value, in one frame", [][]byte{half, frame(kindData, 1, 1, 2, 3)}, true},
		{"other streams within a value", [][]byte{half, frame(kindEnd, 2), frame(kindData, 1, 1, 2)}, true},
		{"frames of a cancelled stream", [][]byte{
			frame(kindReply, 3, word(1<<30, 'x')...), frame(kindData, 3, make([]byte, maxFrame)...), frame(kindAbort, 3, 1, 2, 3), frame(kindRefuse, 3),
		}, true},
		{"frames after the end", [][]byte{frame(kindEnd, 1), frame(kindData, 1, 1), frame(kindEnd, 1)}, true},
		{"leave", [][]byte{frame(kindLeave, 0), frame(kindLeave, 0)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, r := rawServer(t, Config{Heartbeat: patient})
			var streams []*Stream
			for id := range uint64(4) {
				streams = append(streams, open(t, client, "x"))
				r.want(kindRequest, id+1)
			}
			_ = streams[2].Close()
			r.want(kindCancel, 3)
			for _, f := range tt.frames {
				r.send(f)
			}
			if !tt.fine {
				<-client.Done()
				if err := client.Err(); !errors.Is(err, ErrProtocol) {
					t.Errorf("the connection ended with %v", err)
				}
				return
			}
			r.send(frame(kindReply|last, 4, word(0, 'o', 'k')...))
			next(t, streams[3], "ok")
		})
	}
}

// Whatever the client mustn't send ends the connection. Call 1 is being served, and 2 was
// cancelled.
func TestHostileClient(t *testing.T) {
	for _, tt := range []struct {
		name   string
		frames [][]byte
		fine   bool
	}{
		{"unknown kind", [][]byte{frame(kindUnknown, 1)}, false},
		{"message", [][]byte{frame(kindReply, 1, word(0)...)}, false},
		{"data", [][]byte{frame(kindData, 1, 1)}, false},
		{"end", [][]byte{frame(kindEnd, 1)}, false},
		{"pong", [][]byte{frame(kindPong, 1)}, false},
		{"leave", [][]byte{frame(kindLeave, 0)}, false},
		{"request without window", [][]byte{frame(kindRequest, 3, word(0)...)}, false},
		{"request with an endless window", [][]byte{frame(kindRequest, 3, word(1<<31)...)}, false},
		{"request too large", [][]byte{frame(kindRequest, 3, make([]byte, 4+maxMessage+1)...)[:headerSize]}, false},
		{"request 0", [][]byte{frame(kindRequest, 0, word(1)...)}, false},
		{"request again", [][]byte{frame(kindRequest, 1, word(1)...)}, false},
		{"last request", [][]byte{frame(kindRequest|last, 3, word(1)...)}, false},
		{"cancel of the future", [][]byte{frame(kindCancel, 3)}, false},
		{"cancel of nothing", [][]byte{frame(kindCancel, 0)}, false},
		{"credit of the future", [][]byte{frame(kindCredit, 3, 0, 0, 0, 1)}, false},
		{"credit with payload", [][]byte{frame(kindCredit, 1, 0, 0, 0, 1, 1)}, false},
		{"endless credit", [][]byte{frame(kindCredit, 1, 255, 0, 0, 1)}, false},

		{"much credit", [][]byte{frame(kindCredit, 1, 127, 255, 255, 255), frame(kindCredit, 1, 127, 255, 255, 255)}, true},
		{"about a cancelled request", [][]byte{frame(kindCancel, 2), frame(kindCredit, 2, 0, 0, 0, 1)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			started := make(chan struct{}, 4)
			server, r := rawClient(t, Config{Heartbeat: patient, Serve: func(c *Call) {
				started <- struct{}{}
				if string(c.Message()) == "ok" {
					echo(c)
				} else {
					<-c.Context().Done()
				}
			}})
			r.send(frame(kindRequest, 1, word(1)...))
			<-started
			r.send(frame(kindRequest, 2, word(1)...))
			r.send(frame(kindCancel, 2))
			for _, f := range tt.frames {
				r.send(f)
			}
			if !tt.fine {
				<-server.Done()
				if err := server.Err(); !errors.Is(err, ErrProtocol) {
					t.Errorf("the connection ended with %v", err)
				}
				return
			}
			r.send(frame(kindRequest, 1000, word(1, 'o', 'k')...))
			if p := r.want(kindReply|last, 1000); string(p[4:]) != "ok" {
				t.Errorf("answer %q", p)
			}
		})
	}
}

// A client that sends more and more requests and reads nothing fills no memory, whether they are
// answered or not: at some time, no more requests are taken.
func TestFloodOfAsks(t *testing.T) {
	for name, serve := range map[string]func(*Call){
		"unanswered": func(c *Call) { <-c.Context().Done() },
		"answered":   echo,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, r := rawClient(t, Config{MaxRequests: 100, Serve: serve})
				sent := 0
				go func() {
					for id := uint64(1); ; id++ {
						if _, err := r.conn.Write(frame(kindRequest, id, word(1)...)); err != nil {
							return
						}
						sent++
					}
				}()
				synctest.Wait()
				most := 200 + maxRefusals + scratchSize/headerSize + sourceSize/headerSize
				if sent < maxRefusals || sent > most {
					t.Errorf("took %d requests, and sent no answer", sent)
				}
				server.mu.Lock()
				if n := len(server.calls); n > 100 {
					t.Errorf("%d calls", n)
				}
				server.mu.Unlock()
				server.Close()
			})
		})
	}
}

// A server that sends without end and reads nothing fills no memory with the credits for it.
func TestFloodOfContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, r := rawServer(t, Config{Window: 10})
		s := open(t, client, "x")
		r.want(kindRequest, 1)
		for range 1000 {
			r.send(frame(kindData, 1, make([]byte, 5)...))
			if _, err := io.ReadFull(s, make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
		}
		client.mu.Lock()
		if n := len(s.out.items); n > 2 {
			t.Errorf("%d credits wait to be sent", n)
		}
		client.mu.Unlock()
		client.Close()
	})
}

// Pings are all read, and answered by few pongs if these aren't read.
func TestFloodOfPings(t *testing.T) {
	server, r := rawClient(t, Config{Heartbeat: patient})
	const pings = 10_000
	for range pings {
		r.send(frame(kindPing, 0))
	}
	r.send(frame(kindRequest, 1, word(1)...))
	pongs := 0
	for {
		k, _, _ := r.read()
		if k != kindPong {
			break
		}
		pongs++
	}
	if pongs == 0 || pongs > 3 {
		t.Errorf("%d pongs", pongs)
	}
	server.Close()
}

// FuzzReader feeds both sides anything: they neither panic, nor hang, nor take more memory than
// they may.
func FuzzReader(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(frame(kindReply, 1, word(5, 'h', 'i', '1', '2', '3', '4')...))
	f.Add(append(frame(kindReply, 1, word(30_001, 'h', 'i')...), frame(kindData|last, 1, make([]byte, 30_000)...)...))
	f.Add(append(frame(kindData, 1, 1, 2, 3), frame(kindAbort, 1, 1)...))
	f.Add(append(frame(kindRequest, 1, word(1000, 'h', 'i')...), frame(kindCredit, 1, 0, 0, 1, 0)...))
	f.Add(append(frame(kindRequest, 1, word(1000, make([]byte, 70_000)...)...), frame(kindCancel, 1)...))
	f.Add(append(frame(kindLeave, 0), frame(kindPong, 1)...))
	f.Fuzz(func(t *testing.T, sent []byte) {
		cfg := Config{Heartbeat: patient, MaxValue: 1 << 20, MaxRequests: 4, Window: 100_000}
		cfg.Serve = func(c *Call) {
			_ = c.Reply(c.Message(), make([]byte, 1000))
			_, _ = c.Write(make([]byte, 10_000))
			_ = c.End(nil)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fuzzClient(t, cfg, sent)
		fuzzServer(cfg, sent)
		runtime.ReadMemStats(&after)
		// The sides' buffers, a value for each of two streams, and what so many requests and their
		// responses may take.
		most := 4<<20 + 2*cfg.MaxValue + len(sent)*100 + len(sent)/headerSize*40_000
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(most) {
			t.Errorf("%d bytes taken for %d bytes sent", n, len(sent))
		}
	})
}

func fuzzClient(t *testing.T, cfg Config, sent []byte) {
	here, there := net.Pipe()
	client := NewClient(here, cfg)
	read := make(chan struct{}, 2)
	for range cap(read) {
		s := open(t, client, "x")
		go func() {
			for err := error(nil); err == nil; {
				_, _, err = s.Next()
			}
			_, _ = io.Copy(io.Discard, s)
			read <- struct{}{}
		}()
	}
	fuzzSide(there, sent)
	<-client.Done()
	for range cap(read) {
		<-read
	}
}

func fuzzServer(cfg Config, sent []byte) {
	here, there := net.Pipe()
	server := NewServer(here, cfg)
	fuzzSide(there, sent)
	server.Wait()
}

// fuzzSide sends, and takes what comes meanwhile.
func fuzzSide(there net.Conn, sent []byte) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, there)
	}()
	_, _ = there.Write(sent)
	_ = there.Close()
	<-done
}
