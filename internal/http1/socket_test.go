package http1

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestSocketWrites: a Write of any size writes all, also what the system doesn't take at once, and
// fails on a connection that is closed.
func TestSocketWrites(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := NewSocket(client, false)
	for _, size := range []int64{0, 1, 4 << 10, 64 << 10, 64<<10 + 1, 32 << 20} {
		want := origintest.Content(byte(size), 0, size)
		written := make(chan error, 1)
		go func() {
			// in small pieces, until the socket is full, and at once
			for rest := want; ; {
				n, err := s.Write(rest[:min(len(rest), int(max(1, size/100)))])
				if rest = rest[n:]; err != nil || len(rest) == 0 {
					written <- err
					return
				}
			}
		}()
		got := make([]byte, size)
		if n, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %d have come, %v", size, n, err)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
		go func() { _, err := s.Write(want); written <- err }()
		if n, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes at once: %d have come, %v", size, n, err)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	}
	_ = s.Close()
	if n, err := s.Write([]byte("x")); err == nil {
		t.Errorf("closed: %d bytes are written", n)
	}
}
