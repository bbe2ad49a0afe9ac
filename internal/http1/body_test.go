package http1

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/iotest"
)

// TestCloseWakesRead: a Read that waits returns when another goroutine closes the body, and its
// connection isn't used again.
func TestCloseWakesRead(t *testing.T) {
	s := start(t, func(c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
		r.ReadByte()
	})
	c := s.client(t)
	for range 20 {
		resp, err := c.RoundTrip(get(t.Context(), "/"))
		if err != nil {
			t.Fatal(err)
		}
		first := make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() {
			b := make([]byte, 1)
			resp.Body.Read(b)
			close(first)
			if n, err := resp.Body.Read(b); n != 0 || err == nil || err == io.EOF {
				t.Errorf("%d, %v", n, err)
			}
		})
		<-first
		resp.Body.Close()
		reader.Wait()
	}
	if n := s.Conns.Load(); n != 20 {
		t.Errorf("%d connections, want 20", n)
	}
}

// TestBodyIsAReader: a body is what io.Reader says, at its end and after.
func TestBodyIsAReader(t *testing.T) {
	const content = "An acorn, a hazelnut and a walnut."
	s := start(t, func(c net.Conn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if req.URL.Path == "/cut" {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nacorn")
				return
			}
			io.WriteString(c, ok(content))
		}
	})
	c := s.client(t)
	resp, err := c.RoundTrip(get(t.Context(), "/"))
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(resp.Body, []byte(content)); err != nil {
		t.Error(err)
	}
	if n, err := resp.Body.Read(make([]byte, 9)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
	for range 2 { // the second connection has been used before
		resp, err = c.RoundTrip(get(t.Context(), "/cut"))
		if err != nil {
			t.Fatal(err)
		}
		_, first := io.ReadAll(resp.Body)
		if _, err := resp.Body.Read(make([]byte, 9)); first != io.ErrUnexpectedEOF || err != first {
			t.Errorf("%v, and then %v", first, err)
		}
	}
	resp, err = c.RoundTrip(get(t.Context(), "/"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, err := resp.Body.Read(make([]byte, 9)); err != http.ErrBodyReadAfterClose {
		t.Errorf("after Close: %v", err)
	}
}
