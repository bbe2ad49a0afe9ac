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
func TestHostileAnswerer(t *testing.T) {
	message := frame(kindMessage, 1, lead(2, 0, 'h', 'i')...)
	half := frame(kindMessage, 1, lead(4, 0, 'h', 'i')...)
	for _, tt := range []struct {
		name   string
		frames [][]byte
		fine   bool
	}{
		{"unknown kind", [][]byte{frame(kindUnknown, 1)}, false},
		{"kind 0", [][]byte{make([]byte, headerSize)}, false},
		{"request", [][]byte{frame(kindRequest, 5, lead(0, 1)...)}, false},
		{"ping", [][]byte{frame(kindPing, 1)}, false},
		{"cancel", [][]byte{frame(kindCancel, 1)}, false},
		{"credit", [][]byte{frame(kindCredit, 1, 0, 0, 0, 1)}, false},
		{"stream never asked", [][]byte{frame(kindAck, 5)}, false},
		{"stream 0", [][]byte{frame(kindAck, 0)}, false},
		{"message without lead", [][]byte{frame(kindMessage, 1, 1, 2, 3)}, false},
		{"message too long", [][]byte{frame(kindMessage, 1, lead(2, 0, 'h', 'i', '!')...)}, false},
		{"message within a message", [][]byte{half, frame(kindMessage, 1, lead(0, 0)...)}, false},
		{"message ends too early", [][]byte{frame(kindMessage|last, 1, lead(4, 0, 'h', 'i')...)}, false},
		{"data within a message", [][]byte{half, frame(kindData, 1, 1)}, false},
		{"end within a message", [][]byte{half, frame(kindEnd, 1)}, false},
		{"abort within a message", [][]byte{half, frame(kindAbort, 1)}, false},
		{"more than announced", [][]byte{half, frame(kindMore, 1, 1, 2, 3)}, false},
		{"more of nothing", [][]byte{frame(kindMore, 1, 1)}, false},
		{"more after the message", [][]byte{message, frame(kindMore, 1, 1)}, false},
		{"empty more", [][]byte{half, frame(kindMore, 1)}, false},
		{"empty data", [][]byte{frame(kindData, 1)}, false},
		{"message after data", [][]byte{frame(kindData, 1, 1), message}, false},
		{"large frame", [][]byte{frame(kindData, 1, make([]byte, maxFrame+1)...)[:headerSize]}, false},
		{"largest header", [][]byte{bytes.Repeat([]byte{255}, headerSize)}, false},
		{"last ack", [][]byte{frame(kindAck|last, 1)}, false},
		{"ack with payload", [][]byte{frame(kindAck, 1, 1)}, false},
		{"refusal without reason", [][]byte{frame(kindRefuse, 1)}, false},

		{"acks", [][]byte{frame(kindAck, 1), frame(kindAck, 1), message, frame(kindAck, 1)}, true},
		{"ack within a message", [][]byte{half, frame(kindAck, 1)}, true},
		{"pong of no ping", [][]byte{frame(kindPong, 77)}, true},
		{"other streams within a message", [][]byte{half, frame(kindEnd, 2), frame(kindMore, 1, 1, 2)}, true},
		{"frames of a cancelled stream", [][]byte{
			frame(kindMessage, 3, lead(1, 1<<30)...), frame(kindMore, 3, make([]byte, maxFrame)...),
			frame(kindData, 3, make([]byte, maxFrame)...), frame(kindAbort, 3, 1, 2, 3), frame(kindRefuse, 3, 1),
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
			r.send(frame(kindMessage|last, 4, lead(2, 0, 'o', 'k')...))
			next(t, streams[3], "ok")
		})
	}
}

// Whatever the client mustn't send ends the connection. Call 1 is being served, and 2 was
// cancelled.
func TestHostileAsker(t *testing.T) {
	half := frame(kindRequest, 3, lead(4, 1, 'h', 'i')...)
	for _, tt := range []struct {
		name   string
		frames [][]byte
		fine   bool
	}{
		{"unknown kind", [][]byte{frame(kindUnknown, 1)}, false},
		{"ack", [][]byte{frame(kindAck, 1)}, false},
		{"message", [][]byte{frame(kindMessage, 1, lead(0, 0)...)}, false},
		{"data", [][]byte{frame(kindData, 1, 1)}, false},
		{"end", [][]byte{frame(kindEnd, 1)}, false},
		{"pong", [][]byte{frame(kindPong, 1)}, false},
		{"leave", [][]byte{frame(kindLeave, 0)}, false},
		{"request without lead", [][]byte{frame(kindRequest, 3)}, false},
		{"request without window", [][]byte{frame(kindRequest, 3, lead(0, 0)...)}, false},
		{"request with an endless window", [][]byte{frame(kindRequest, 3, lead(0, 1<<31)...)}, false},
		{"request too long", [][]byte{frame(kindRequest, 3, lead(1, 1, 1, 2)...)}, false},
		{"request 0", [][]byte{frame(kindRequest, 0, lead(0, 1)...)}, false},
		{"request again", [][]byte{frame(kindRequest, 1, lead(0, 1)...)}, false},
		{"last request", [][]byte{frame(kindRequest|last, 3, lead(0, 1)...)}, false},
		{"more of a complete request", [][]byte{frame(kindMore, 1, 1)}, false},
		{"more than announced", [][]byte{half, frame(kindMore, 3, 1, 2, 3)}, false},
		{"last more", [][]byte{half, frame(kindMore|last, 3, 1, 2)}, false},
		{"cancel of the future", [][]byte{frame(kindCancel, 3)}, false},
		{"credit of the future", [][]byte{frame(kindCredit, 3, 0, 0, 0, 1)}, false},
		{"short credit", [][]byte{frame(kindCredit, 1, 1)}, false},
		{"endless credit", [][]byte{frame(kindCredit, 1, 255, 0, 0, 1)}, false},

		{"much credit", [][]byte{frame(kindCredit, 1, 127, 255, 255, 255), frame(kindCredit, 1, 127, 255, 255, 255)}, true},
		{"about a cancelled request", [][]byte{frame(kindMore, 2, 1), frame(kindCancel, 2), frame(kindCredit, 2, 0, 0, 0, 1)}, true},
		{"cancel of half a request", [][]byte{
			half, frame(kindCancel, 3), frame(kindMore, 3, 1, 2),
			frame(kindRequest, 7, lead(2, 1, 1)...), frame(kindCancel, 7), // of which there may be any number
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			started := make(chan struct{}, 4)
			server, r := rawClient(t, Config{Heartbeat: patient, MaxRequests: 2, Serve: func(c *Call) {
				started <- struct{}{}
				if string(c.Message()) == "ok" {
					echo(c)
				} else {
					<-c.Context().Done()
				}
			}})
			r.send(frame(kindRequest, 1, lead(0, 1)...))
			<-started
			r.send(frame(kindRequest, 2, lead(2, 1)...))
			r.send(frame(kindCancel, 2)) // it was never complete, nor takes a place any more
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
			r.send(frame(kindRequest, 1000, lead(2, 1, 'o', 'k')...))
			if p := r.want(kindMessage|last, 1000); string(p[leadSize:]) != "ok" {
				t.Errorf("answer %q", p)
			}
		})
	}
}

// A client that sends more and more requests and reads nothing fills no memory: at some time, no
// more requests are taken.
func TestFloodOfAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, r := rawClient(t, Config{MaxRequests: 1, Serve: func(c *Call) { <-c.Context().Done() }})
		sent := 0
		go func() {
			for id := uint64(1); ; id++ {
				if _, err := r.conn.Write(frame(kindRequest, id, lead(0, 1)...)); err != nil {
					return
				}
				sent++
			}
		}()
		synctest.Wait()
		if most := maxRefusals + scratchSize/headerSize + sourceSize/headerSize; sent < maxRefusals || sent > most {
			t.Errorf("took %d requests, and sent no answer", sent)
		}
		_ = server.Close()
	})
}

// Pings are all read, and answered by few pongs if these aren't read.
func TestFloodOfPings(t *testing.T) {
	server, r := rawClient(t, Config{Heartbeat: patient})
	const pings = 10_000
	for id := range uint64(pings) {
		r.send(frame(kindPing, id+1))
	}
	pongs := 1
	for ; ; pongs++ {
		if _, id, _ := r.read(); id == pings {
			break
		}
	}
	if pongs > 3 {
		t.Errorf("%d pongs", pongs)
	}
	_ = server.Close()
}

// FuzzReader feeds both sides anything: they neither panic, nor hang, nor take more memory than
// they may.
func FuzzReader(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(frame(kindMessage, 1, lead(2, 4, 'h', 'i', '1', '2', '3')...))
	f.Add(append(frame(kindMessage, 1, lead(2, 70_000, 'h', 'i')...), frame(kindMore|last, 1, make([]byte, 30_000)...)...))
	f.Add(append(frame(kindData, 1, 1, 2, 3), frame(kindAbort, 1, 1)...))
	f.Add(append(frame(kindRequest, 1, lead(2, 1000, 'h', 'i')...), frame(kindCredit, 1, 0, 0, 1, 0)...))
	f.Add(append(frame(kindRequest, 1, lead(70_000, 1000, 'h', 'i')...), frame(kindCancel, 1)...))
	f.Add(append(frame(kindLeave, 0), frame(kindPong, 1)...))
	f.Fuzz(func(t *testing.T, sent []byte) {
		cfg := Config{Heartbeat: patient, MaxValue: 1 << 20, MaxMessage: 100_000, MaxRequests: 4, Window: 100_000}
		cfg.Serve = func(c *Call) {
			_ = c.Reply(c.Message(), make([]byte, 1000))
			_, _ = c.Write(make([]byte, 10_000))
			_ = c.End(nil)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fuzzAsker(t, cfg, sent)
		fuzzAnswerer(cfg, sent)
		runtime.ReadMemStats(&after)
		// The sides' buffers, a value for each of two streams, and what so many requests and their
		// responses may take.
		most := 4<<20 + 2*cfg.MaxValue + len(sent)*100 + len(sent)/(headerSize+leadSize)*40_000
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(most) {
			t.Errorf("%d bytes taken for %d bytes sent", n, len(sent))
		}
	})
}

func fuzzAsker(t *testing.T, cfg Config, sent []byte) {
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

func fuzzAnswerer(cfg Config, sent []byte) {
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
