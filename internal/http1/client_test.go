package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestClosedAtThatMoment: a request over a connection that the server closes instead of answering
// is sent again over a new one, and only then.
func TestClosedAtThatMoment(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	for _, begin := range []string{"", "HTTP/1.1 200 OK\r\nX"} {
		var asked atomic.Int64
		s := start(t, func(c net.Conn, r *bufio.Reader) {
			for {
				if _, err := http.ReadRequest(r); err != nil {
					return
				}
				if asked.Add(1) == 2 {
					io.WriteString(c, begin)
					return
				}
				io.WriteString(c, ok("acorn"))
			}
		})
		c := s.client(t)
		for i := range 2 {
			got, err := whole(c, get(t.Context(), "/"))
			if i == 1 && begin != "" {
				if err != io.ErrUnexpectedEOF {
					t.Errorf("half a head: %q, %v", got, err)
				}
			} else if got != "acorn" || err != nil {
				t.Errorf("%q: %q, %v", begin, got, err)
			}
		}
		want := int64(3)
		if begin != "" {
			want = 2
		}
		if n := asked.Load(); n != want {
			t.Errorf("%q: %d requests, want %d", begin, n, want)
		}
	}
}

// TestAnswerBeforeTheRequest: a server that has no time for requests may say so and close without
// reading one.
func TestAnswerBeforeTheRequest(t *testing.T) {
	s := start(t, func(c net.Conn, _ *bufio.Reader) {
		io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\nbusy")
	})
	c := s.client(t)
	var told atomic.Int64
	c.Unsolicited = func([]string) { told.Add(1) }
	for range 20 {
		resp, err := c.RoundTrip(get(t.Context(), "/"))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); resp.StatusCode != 503 || string(b) != "busy" {
			t.Errorf("%v, %q, %v", resp, b, err)
		}
		resp.Body.Close()
	}
	if told.Load() > 0 {
		t.Error("taken for an answer that no request asked for")
	}
}

// TestEndStays: a connection whose request has ended waits for nothing, though it is to wait anew
// at that moment.
func TestEndStays(t *testing.T) {
	client, server := net.Pipe()
	defer server.Close()
	defer client.Close()
	n := newConn(client, 0, nil)
	n.abort()
	n.limit(time.Hour)
	if _, err := n.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: %v", err)
	}
}

// TestCancelled: a request ends with its context, whatever it waits for, and returns its cause.
func TestCancelled(t *testing.T) {
	dialling, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	c := newClient(func(ctx context.Context) (net.Conn, error) {
		cancel(gone)
		return nil, errors.New("operation was canceled")
	})
	if _, err := c.RoundTrip(get(dialling, "/")); err != gone {
		t.Errorf("a dial: %v", err)
	}
	for _, sent := range []string{"", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := start(t, func(c net.Conn, r *bufio.Reader) {
			http.ReadRequest(r)
			io.WriteString(c, sent)
			cancel(gone)
			r.ReadByte()
		})
		if _, err := whole(s.client(t), get(ctx, "/")); err != gone {
			t.Errorf("%q: %v", sent, err)
		}
	}
}

// lateConn is a connection whose first Read fails by its deadline, that long after the deadline.
// Then the response is there.
type lateConn struct {
	net.Conn
	late     time.Duration
	deadline time.Time
	failed   bool
	response io.Reader
}

func (c *lateConn) Read(p []byte) (int, error) {
	if !c.failed {
		c.failed = true
		<-time.After(time.Until(c.deadline) + c.late)
		return 0, os.ErrDeadlineExceeded
	}
	return c.response.Read(p)
}

func (c *lateConn) Write(p []byte) (int, error)        { return len(p), nil }
func (c *lateConn) Close() error                       { return nil }
func (c *lateConn) SetDeadline(at time.Time) (_ error) { c.deadline = at; return nil }

// TestStandstill: a timeout that comes late, since the process has stood still, says nothing about
// the server. What it has sent is read.
func TestStandstill(t *testing.T) {
	for late, answered := range map[time.Duration]bool{0: false, 2 * Standstill: true} {
		synctest.Test(t, func(t *testing.T) {
			conn := &lateConn{late: late, response: strings.NewReader(ok("acorn"))}
			c := newClient(func(context.Context) (net.Conn, error) { return conn, nil })
			got, err := whole(c, get(t.Context(), "/"))
			if answered != (got == "acorn") || answered != (err == nil) {
				t.Errorf("late by %v: %q, %v", late, got, err)
			}
			var timeout net.Error
			if !answered && (!errors.As(err, &timeout) || !timeout.Timeout()) {
				t.Errorf("no timeout but %v", err)
			}
		})
	}
}

// TestInvalidFields: a request with fields that can't be sent is an error, not another request.
func TestInvalidFields(t *testing.T) {
	s := start(t, paths)
	c := s.client(t)
	for name, value := range map[string]string{"A b": "", "": "", "A": "a\x00", "B": "a\r\nC: d"} {
		req := get(t.Context(), "/")
		req.Header[name] = []string{value}
		if _, err := c.RoundTrip(req); err == nil {
			t.Errorf("%q: %q is sent", name, value)
		}
	}
	if n := s.Conns.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// refusingConn takes no byte, but has a response.
type refusingConn struct {
	net.Conn
	response io.Reader
}

func (c refusingConn) Read(p []byte) (int, error)  { return c.response.Read(p) }
func (c refusingConn) Write([]byte) (int, error)   { return 0, syscall.EPIPE }
func (c refusingConn) Close() error                { return nil }
func (c refusingConn) SetDeadline(time.Time) error { return nil }

// TestAnswerToHalfARequest: a server may answer before it has read the request, and close.
func TestAnswerToHalfARequest(t *testing.T) {
	for response, want := range map[string]string{
		"HTTP/1.1 431 Request Header Fields Too Large\r\n\r\ntoo large": "too large", "": "",
	} {
		c := newClient(func(context.Context) (net.Conn, error) {
			return refusingConn{response: strings.NewReader(response)}, nil
		})
		req := get(t.Context(), "/")
		req.Header.Set("X", strings.Repeat("x", 100<<10))
		got, err := whole(c, req)
		if got != want || (want == "") != errors.Is(err, syscall.EPIPE) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}
