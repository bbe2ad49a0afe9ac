package listen_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/fastlane"
)

// echoLane answers requests for /a and /large at the connection.
type echoLane struct {
	answered atomic.Int64
	failed   atomic.Pointer[error] // of the last answer that couldn't be sent
}

const (
	laneAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlane"
	largeHead  = "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"
	getLarge   = "GET /large HTTP/1.1\r\nHost: n\r\n\r\n"
	largeSize  = 64 << 20 // more than the system keeps for a client
)

func (l *echoLane) Serve(c fastlane.Conn, p []byte) (n int, next *http.Request, err error) {
	for err == nil {
		var answer net.Buffers
		switch {
		case bytes.HasPrefix(p[n:], []byte(get)):
			n += len(get)
			answer = net.Buffers{[]byte(laneAnswer[:10]), []byte(laneAnswer[10:])}
		case bytes.HasPrefix(p[n:], []byte(getLarge)):
			n += len(getLarge)
			answer = net.Buffers{[]byte(largeHead), make([]byte, largeSize)}
		default:
			return n, nil, nil
		}
		l.answered.Add(1)
		if _, err = c.Send(&answer); err != nil {
			l.failed.Store(&err)
		}
	}
	return n, nil, err
}

func startWith(t *testing.T, h *http.Server, delay time.Duration) (*server, *echoLane) {
	t.Helper()
	l := new(echoLane)
	h.Handler = http.HandlerFunc(echo)
	s := openWith(t, delay, h, l)
	s.serve()
	return s, l
}

// TestLane mixes requests that the lane answers with others, whose contents look like requests, in
// pieces of all sizes.
func TestLane(t *testing.T) {
	s, lane := startWith(t, &http.Server{}, 0)
	post := "POST /b HTTP/1.1\r\nHost: n\r\nContent-Length: 28\r\n\r\n" + get
	chunked := "POST /c HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n" + get +
		"\r\n0\r\n\r\n"
	text := get + post + get + "\r\n" + chunked + get + get + "GET /d HTTP/1.1\r\nHost: n\r\n\r\n" +
		get
	for size := 1; size <= len(text); size += 1 + size/3 {
		c := s.dial(t)
		c.sendIn(t, text, size)
		var got []string
		for range 8 {
			_, content := c.response(t)
			got = append(got, strings.Replace(content, "lane", "/a ", 1))
		}
		want := []string{"/a ", "/b " + get, "/a ", "/c " + get, "/a ", "/a ", "/d ", "/a "}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("in pieces of %d bytes: %q", size, got)
		}
		c.Close()
	}
	if lane.answered.Load() == 0 || s.Refused() > 0 {
		t.Errorf("the lane has answered %d requests, and %d are refused", lane.answered.Load(),
			s.Refused())
	}
}

// TestLaneSeesTheEnd: a connection ends with its client's end, whether that comes with a request,
// before the answer to it, or later.
func TestLaneSeesTheEnd(t *testing.T) {
	s, _ := startWith(t, &http.Server{IdleTimeout: time.Hour}, 0)
	for i := range 300 {
		c := s.dial(t)
		if i%5 == 0 { // net/http has it
			c.send(t, getB)
			c.response(t)
		}
		requests := 1 + i%3
		c.send(t, strings.Repeat(get, requests))
		if i%2 == 0 {
			c.response(t)
			requests--
		}
		if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		for range requests {
			c.response(t)
		}
		c.ended(t)
		c.Close()
	}
}

// TestLaneReadsOn: requests are answered that come while others are, or that a buffer ends in. The
// lane has the first of them. The rest may be net/http's: it reads on for as long as it finds a part
// of a request.
func TestLaneReadsOn(t *testing.T) {
	for _, first := range []string{get, getB} { // which net/http has the connection for
		s, lane := startWith(t, &http.Server{IdleTimeout: time.Hour}, 0)
		c := s.dial(t)
		c.send(t, first)
		c.response(t)
		for lane.answered.Load() == 0 { // net/http may still be at the end of the response
			c.send(t, get)
			c.response(t)
		}
		const requests = 5000
		go func() {
			for n := 0; n < requests; n += 50 {
				_, _ = io.WriteString(c, strings.Repeat(get, 50)) // else a response is missing
			}
		}()
		for range requests {
			c.response(t)
		}
	}
}

// TestLaneTimeouts: what the lane has answered goes on to have the server's timeouts.
func TestLaneTimeouts(t *testing.T) {
	const short = 100 * time.Millisecond
	t.Run("idle", func(t *testing.T) {
		s, _ := startWith(t, &http.Server{IdleTimeout: short, ReadHeaderTimeout: time.Hour}, 0)
		c, begun, last := s.dial(t), time.Now(), time.Now()
		for time.Since(begun) < 3*short { // it lives as long as requests come
			asked := time.Now()
			_, err := io.WriteString(c, get)
			resp, rerr := http.ReadResponse(c.r, nil)
			switch late := time.Since(last) >= short; { // where this process stood still
			case err == nil && rerr == nil:
				io.Copy(io.Discard, resp.Body)
				last = asked
			case late:
				c, begun, last = s.dial(t), time.Now(), time.Now()
			default:
				t.Fatal(err, rerr)
			}
		}
		c.ended(t)
	})
	t.Run("head", func(t *testing.T) {
		s, lane := startWith(t, &http.Server{IdleTimeout: time.Hour, ReadHeaderTimeout: short}, 0)
		c := s.dial(t)
		c.send(t, get)
		c.response(t)
		c.send(t, get+get[:20])
		c.response(t)
		// as net/http has it
		if resp, _ := c.response(t); resp.StatusCode != http.StatusBadRequest {
			t.Error(resp.Status)
		}
		c.ended(t)
		if n := lane.answered.Load(); n != 2 {
			t.Errorf("the lane has answered %d requests", n)
		}
	})
	t.Run("empty lines", func(t *testing.T) { // which begin no request
		s, _ := startWith(t, &http.Server{IdleTimeout: time.Hour, ReadHeaderTimeout: short}, 0)
		c := s.dial(t)
		c.send(t, get+"\r\n")
		c.response(t)
		if err := c.SetReadDeadline(time.Now().Add(3 * short)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the connection has ended: %v", err)
		}
	})
	t.Run("none", func(t *testing.T) {
		s, _ := startWith(t, &http.Server{ReadHeaderTimeout: time.Hour}, 0)
		c := s.dial(t)
		c.send(t, getLarge)
		if n, err := io.CopyN(io.Discard, c.r, largeSize); err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

// TestLaneIsCut: a response of the lane that nobody reads ends when the server stops waiting.
func TestLaneIsCut(t *testing.T) {
	s, lane := startWith(t, &http.Server{WriteTimeout: time.Hour}, 0)
	c := s.dial(t)
	c.send(t, getLarge)
	if _, err := io.CopyN(io.Discard, c.r, 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Drain(ctx); err == nil || !strings.Contains(err.Error(), "in progress: 1") {
		t.Errorf("drained: %v", err)
	}
	if lane.failed.Load() == nil {
		t.Error("it has been sent")
	}
}

// TestLaneThatPanics: it ends its connection only, and says so where net/http would.
func TestLaneThatPanics(t *testing.T) {
	var text bytes.Buffer
	h := &http.Server{Handler: http.HandlerFunc(echo), ErrorLog: log.New(&text, "", 0)}
	s := openWith(t, 0, h, panickingLane{})
	s.serve()
	c := s.dial(t)
	c.send(t, get)
	c.ended(t)
	other := s.dial(t)
	other.send(t, strings.Replace(get, "/a", "/b", 1))
	other.response(t)
	other.Close()
	if err := s.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(text.String(), "a defect") || !strings.Contains(text.String(),
		"goroutine ") {
		t.Errorf("logged: %q", text.String())
	}
}

type panickingLane struct{}

func (panickingLane) Serve(_ fastlane.Conn, p []byte) (int, *http.Request, error) {
	if bytes.HasPrefix(p, []byte(get)) {
		panic("a defect")
	}
	return 0, nil, nil
}

// TestLaneThatBreaks: nothing follows a response that couldn't be sent.
func TestLaneThatBreaks(t *testing.T) {
	s := openWith(t, 0, &http.Server{Handler: http.HandlerFunc(echo)}, brokenLane{})
	s.serve()
	c := s.dial(t)
	c.send(t, get)
	c.ended(t)
}

type brokenLane struct{}

func (brokenLane) Serve(fastlane.Conn, []byte) (int, *http.Request, error) {
	return 0, nil, errors.New("broken")
}

// TestLaneDrains: responses of a server that drains are net/http's, which end their connections,
// and connections that the lane has served end at last.
func TestLaneDrains(t *testing.T) {
	t.Parallel()
	s, lane := startWith(t, &http.Server{}, time.Second)
	idle, busy := s.dial(t), s.dial(t)
	for _, c := range []*client{idle, busy} {
		c.send(t, get)
		c.response(t)
	}
	_, drained := s.drain()
	s.awaitDraining(t)
	busy.send(t, get)
	if resp, content := busy.response(t); !resp.Close || content != "/a " {
		t.Errorf("%v %q", resp.Header, content)
	}
	busy.ended(t)
	idle.ended(t)
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if n := lane.answered.Load(); n < 2 {
		t.Errorf("the lane has answered %d requests", n)
	}
}
