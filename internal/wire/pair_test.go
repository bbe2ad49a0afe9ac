package wire

import (
	"bytes"
	"context"
	"io"
	mathrand "math/rand/v2"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scurrycache/scurry/internal/wire/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patient is for tests that keep the machine so busy that a heartbeat may come late.
const patient = 5 * time.Second

// join makes a connection of both ends, which is closed at the end of the test.
func join(t testing.TB, dialed, accepted net.Conn, requests, answers Config) (*Client, *Server) {
	t.Helper()
	if answers.Serve == nil {
		answers.Serve = func(*Call) {}
	}
	client, server := NewClient(dialed, requests), NewServer(accepted, answers)
	t.Cleanup(func() {
		client.Close()
		<-client.Done()
		server.Wait()
	})
	return client, server
}

// pair makes a connection over loopback.
func pair(t testing.TB, requests, answers Config) (*Client, *Server) {
	t.Helper()
	if requests.Heartbeat == 0 {
		requests.Heartbeat, answers.Heartbeat = patient, patient
	}
	dialed, accepted := wiretest.Sockets(t)
	return join(t, dialed, accepted, requests, answers)
}

// pattern is n bytes, others for each seed. They must not be changed.
func pattern(seed, n int) []byte {
	from := seed * 7919 % (1 << 20)
	return noise[from : from+n : from+n]
}

var noise = func() []byte {
	b := make([]byte, 5<<20)
	_, _ = mathrand.NewChaCha8([32]byte{}).Read(b)
	return b
}()

// open opens a stream, which is closed at the end of the test.
func open(t testing.TB, c *Client, message string) *Stream {
	t.Helper()
	s, err := c.Open(context.Background(), []byte(message), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// next takes a reply, which must have this message.
func next(t testing.TB, s *Stream, message string) (value []byte) {
	t.Helper()
	m, value, err := s.Next()
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	if string(m) != message {
		t.Fatalf("reply %q, want %q", m, message)
	}
	return value
}

// wantEOF checks that nothing more comes but the end, with this detail.
func wantEOF(t testing.TB, s *Stream, detail string) {
	t.Helper()
	if m, _, err := s.Next(); err != io.EOF {
		t.Fatalf("Next: %q, %v, want EOF", m, err)
	}
	if b, err := io.ReadAll(s); err != nil || len(b) > 0 {
		t.Fatalf("%d bytes more of content, %v", len(b), err)
	}
	if !bytes.Equal(s.End(), []byte(detail)) {
		t.Fatalf("end %q, want %q", s.End(), detail)
	}
}

// echo answers each request with itself.
func echo(c *Call) { _ = c.Respond(c.Message(), nil) }

// Streams is how many streams haven't ended.
func (c *Client) Streams() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.streams)
}

// Err is what ended the connection, nil as long as Done isn't closed.
func (l *link) Err() error {
	select {
	case <-l.done:
		return l.err
	default:
		return nil
	}
}
