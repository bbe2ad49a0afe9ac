package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/scurrycache/scurry/internal/wire/wiretest"
)

// The sizes at which something changes.
var edges = []int{
	0, 1, small - 1, small, small + 1, blockSize - 1, blockSize, blockSize + 1,
	maxFrame - 1, maxFrame, maxFrame + 1, testWindow - 1, testWindow, testWindow + 1, 3<<20 + 7,
}

const testWindow = 256 << 10

func TestRoundTrip(t *testing.T) {
	// The request says how large the parts of its response are to be.
	serve := func(c *Call) {
		n := int(binary.BigEndian.Uint32(c.Message()))
		if err := c.Reply(pattern(1, min(n, 1<<20)), pattern(2, n)); err != nil {
			t.Error(err)
		}
		if err := c.Reply([]byte("bare"), nil); err != nil {
			t.Error(err)
		}
		if k, err := c.Write(pattern(3, n)); err != nil || k != n {
			t.Error(k, err)
		}
		if err := c.End(pattern(4, min(n, maxDetail))); err != nil {
			t.Error(err)
		}
	}
	for _, tr := range wiretest.Transports {
		t.Run(tr.Name, func(t *testing.T) {
			dialed, accepted := tr.Open(t)
			var a, b Traffic
			client, server := join(t, dialed, accepted,
				Config{Heartbeat: patient, Window: testWindow, Traffic: &a},
				Config{Heartbeat: patient, Window: testWindow, Traffic: &b, Serve: serve})
			for _, n := range edges {
				t.Run(fmt.Sprint(n), func(t *testing.T) { roundTrip(t, client, n) })
			}
			if n := client.Streams(); n != 0 {
				t.Errorf("%d streams are left", n)
			}
			client.Close()
			<-client.Done()
			server.Wait()
			ain, aout := a.In.Load(), a.Out.Load()
			bin, bout := b.In.Load(), b.Out.Load()
			if ain == 0 || aout == 0 || ain > bout || bin > aout {
				t.Errorf("traffic of %d in and %d out, but %d and %d on the other side", ain, aout, bin, bout)
			}
		})
	}
}

func roundTrip(t *testing.T, client *Client, n int) {
	message := append(binary.BigEndian.AppendUint32(nil, uint32(n)), make([]byte, min(n, 1<<20-4))...)
	s, err := client.Open(context.Background(), message, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m, v, err := s.Next()
	if err != nil || !bytes.Equal(m, pattern(1, min(n, 1<<20))) {
		t.Fatalf("message of %d bytes is wrong, %v", len(m), err)
	}
	if v == nil || cap(v) != n || !bytes.Equal(v, pattern(2, n)) {
		t.Fatalf("value of %d bytes with room for %d is wrong", len(v), cap(v))
	}
	if next(t, s, "bare") != nil {
		t.Fatal("a value came with a reply that has none")
	}
	if n <= testWindow+1 {
		err = iotest.TestReader(s, pattern(3, n))
	} else if got, e := io.ReadAll(s); e != nil || !bytes.Equal(got, pattern(3, n)) {
		err = fmt.Errorf("%d bytes of content are wrong, %v", len(got), e)
	}
	if err != nil {
		t.Fatal(err)
	}
	wantEOF(t, s, string(pattern(4, min(n, maxDetail))))
}

// 200 streams at once, of very different kinds: every byte of each is right.
func TestManyStreams(t *testing.T) {
	serve := func(c *Call) {
		seed := int(binary.BigEndian.Uint32(c.Message()))
		content := pattern(seed, seed%7*70_001)
		for p := content; len(p) > 0; {
			n := min(len(p), 1+seed*997%40_000)
			if _, err := c.Write(p[:n]); err != nil {
				t.Error(err)
			}
			p = p[n:]
		}
		_ = c.End(c.Message())
	}
	for _, tr := range wiretest.Transports[:2] {
		t.Run(tr.Name, func(t *testing.T) {
			dialed, accepted := tr.Open(t)
			cfg := Config{Heartbeat: patient, Window: 100_000, Serve: serve}
			client, _ := join(t, dialed, accepted, cfg, cfg)
			var wg sync.WaitGroup
			for seed := range 200 {
				wg.Go(func() { readPattern(t, client, seed) })
			}
			wg.Wait()
		})
	}
}

func readPattern(t *testing.T, client *Client, seed int) {
	s, err := client.Open(context.Background(), binary.BigEndian.AppendUint32(nil, uint32(seed)), 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	want := pattern(seed, seed%7*70_001)
	var got []byte
	p := make([]byte, 1+seed*331%100_000)
	for {
		n, err := s.Read(p)
		got = append(got, p[:n]...)
		if err != nil {
			if err != io.EOF || !bytes.Equal(got, want) {
				t.Errorf("stream %d: %d bytes, want %d, %v", seed, len(got), len(want), err)
			}
			return
		}
	}
}

// What follows a value in the same frame is content.
func TestContentBehindValue(t *testing.T) {
	for _, n := range []int{0, 1, small + 1, maxFrame - 1, maxFrame, maxFrame + 1} {
		client, _ := pair(t, Config{}, Config{Serve: func(c *Call) {
			_ = c.Reply(nil, pattern(1, n))
			_, _ = c.Write(pattern(2, n+1))
			_ = c.End(nil)
		}})
		s := open(t, client, "")
		if v := next(t, s, ""); !bytes.Equal(v, pattern(1, n)) {
			t.Errorf("value of %d bytes is wrong", n)
		}
		if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, pattern(2, n+1)) {
			t.Errorf("%d bytes of content behind %d of a value, %v", len(got), n, err)
		}
	}
}

func TestWritesOfOneByte(t *testing.T) {
	want := pattern(1, 3*maxItems)
	client, _ := pair(t, Config{}, Config{Serve: func(c *Call) {
		for i := range want {
			if _, err := c.Write(want[i : i+1]); err != nil {
				t.Error(err)
			}
		}
		_ = c.End(nil)
	}})
	got, err := io.ReadAll(iotest.OneByteReader(open(t, client, "")))
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, want %d, %v", len(got), len(want), err)
	}
}

// Every way in which a response may end, as Next and as Read tell of it.
func TestEnds(t *testing.T) {
	tests := []struct {
		name   string
		serve  func(*Call)
		next   error
		detail string
		abort  bool
	}{
		{"end", func(c *Call) { _ = c.End([]byte("d")) }, io.EOF, "d", false},
		{"bare end", func(c *Call) { _ = c.End(nil) }, io.EOF, "", false},
		{"end after content", func(c *Call) { _, _ = c.Write([]byte("x")); _ = c.End([]byte("d")) }, io.EOF, "d", false},
		{"abort", func(c *Call) { _ = c.Abort([]byte("d")) }, nil, "d", true},
		{"abort after content", func(c *Call) { _, _ = c.Write([]byte("x")); _ = c.Abort([]byte("d")) }, io.EOF, "d", true},
		{"return", func(*Call) {}, nil, "", true},
		{"return after content", func(c *Call) { _, _ = c.Write([]byte("x")) }, io.EOF, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, _ := pair(t, Config{}, Config{Serve: tt.serve})
			s := open(t, client, "")
			var aborted *Aborted
			if _, _, err := s.Next(); err != tt.next && !(tt.next == nil && errors.As(err, &aborted)) {
				t.Errorf("Next: %v, want %v", err, tt.next)
			}
			_, err := io.ReadAll(s)
			detail := s.End()
			if errors.As(err, &aborted) {
				detail = aborted.Detail
			}
			if (err != nil) != tt.abort || string(detail) != tt.detail {
				t.Errorf("end %q, %v", detail, err)
			}
			if client.Streams() != 0 {
				t.Error("the stream counts on")
			}
		})
	}
}

// What comes before the end is read before the end is reported, even if all of it came long ago.
func TestRepliesBeforeAbort(t *testing.T) {
	aborted := make(chan struct{})
	client, _ := pair(t, Config{}, Config{Serve: func(c *Call) {
		defer close(aborted)
		_ = c.Reply([]byte("a"), []byte("value"))
		_ = c.Reply([]byte("b"), nil)
		_ = c.Abort([]byte("d"))
	}})
	s := open(t, client, "")
	<-aborted
	if v := next(t, s, "a"); string(v) != "value" {
		t.Errorf("value %q", v)
	}
	next(t, s, "b")
	var err *Aborted
	if _, _, e := s.Next(); !errors.As(e, &err) || string(err.Detail) != "d" {
		t.Errorf("Next: %v", e)
	}
}

func TestReadDropsReplies(t *testing.T) {
	client, _ := pair(t, Config{Window: 1000}, Config{Serve: func(c *Call) {
		for range 10 {
			_ = c.Reply(nil, make([]byte, 900))
		}
		_, _ = c.Write([]byte("content"))
		_ = c.End(nil)
	}})
	if b, err := io.ReadAll(open(t, client, "")); string(b) != "content" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

func TestOrderOfAnswering(t *testing.T) {
	errs := make(chan error, 10)
	client, _ := pair(t, Config{}, Config{Serve: func(c *Call) {
		_, err := c.Write([]byte("x"))
		errs <- err
		errs <- c.Reply(nil, nil)
		errs <- c.End(make([]byte, maxDetail+1))
		errs <- c.End(nil)
		errs <- c.Abort(nil)
		errs <- c.Reply(nil, nil)
		_, err = c.Write([]byte("x"))
		errs <- err
		_, err = c.Write(nil)
		errs <- err
	}})
	_, _ = io.ReadAll(open(t, client, ""))
	for i, want := range []error{nil, ErrEnded, ErrTooLarge, nil, ErrEnded, ErrEnded, ErrEnded, ErrEnded} {
		if err := <-errs; !errors.Is(err, want) {
			t.Errorf("step %d: %v, want %v", i, err, want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	client, _ := pair(t, Config{MaxValue: 1000}, Config{Serve: func(c *Call) {
		switch string(c.Message()) {
		case "value":
			_ = c.Reply(nil, make([]byte, 1000))
			_ = c.Respond(nil, make([]byte, 300_000))
		case "value behind its message":
			_ = c.Respond([]byte("m"), make([]byte, 1001))
		case "message":
			_ = c.Abort([]byte(fmt.Sprint(errors.Is(c.Reply(make([]byte, maxMessage+1), nil), ErrTooLarge))))
		default:
			echo(c)
		}
	}})
	if _, err := client.Open(context.Background(), make([]byte, maxMessage+1), 0); !errors.Is(err, ErrTooLarge) {
		t.Errorf("request: %v", err)
	}
	largest := string(pattern(1, maxMessage))
	next(t, open(t, client, largest), largest)
	s := open(t, client, "value")
	if _, err := io.ReadAll(s); !errors.Is(err, ErrTooLarge) {
		t.Errorf("value: %v", err)
	}
	if _, _, err := open(t, client, "value behind its message").Next(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("value behind its message: %v", err)
	}
	var aborted *Aborted
	if _, _, err := open(t, client, "message").Next(); !errors.As(err, &aborted) || string(aborted.Detail) != "true" {
		t.Errorf("message: %v", err)
	}
	next(t, open(t, client, "and the connection lives"), "and the connection lives")
}

func TestOverloaded(t *testing.T) {
	release := make(chan struct{})
	serving := make(chan struct{}, 3)
	client, _ := pair(t, Config{}, Config{MaxRequests: 3, Serve: func(c *Call) {
		serving <- struct{}{}
		<-release
		echo(c)
	}})
	var streams []*Stream
	for range 3 {
		streams = append(streams, open(t, client, "x"))
		<-serving
	}
	if _, _, err := open(t, client, "x").Next(); !errors.Is(err, ErrOverloaded) {
		t.Errorf("the fourth request: %v", err)
	}
	_ = streams[0].Close() // which frees no place: it is still being served
	if _, _, err := open(t, client, "x").Next(); !errors.Is(err, ErrOverloaded) {
		t.Errorf("the fifth request: %v", err)
	}
	close(release)
	next(t, streams[1], "x")
	next(t, streams[2], "x")
	for {
		// A place is free when Serve has returned, which the client can't see.
		s := open(t, client, "again")
		if _, _, err := s.Next(); err == nil {
			break
		} else if !errors.Is(err, ErrOverloaded) {
			t.Fatal(err)
		}
	}
}

// A value costs its own memory once, on both sides together: it is neither copied nor held in a
// buffer.
func TestValueIsAllocatedOnce(t *testing.T) {
	value := pattern(1, 1<<20)
	client, _ := pair(t, Config{}, Config{Serve: func(c *Call) { _ = c.Respond(nil, value) }})
	const requests = 20
	var before, after runtime.MemStats
	for i := range requests + 1 {
		if i == 1 {
			runtime.ReadMemStats(&before)
		}
		if got := next(t, open(t, client, ""), ""); !bytes.Equal(got, value) {
			t.Fatal("the value is wrong")
		}
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / requests; n > 1<<20+1<<17 {
		t.Errorf("%d bytes for a value of 1 MiB", n)
	}
}
