package wire

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// raw is a side of a connection that says what the test wants it to.
type raw struct {
	t    testing.TB
	conn net.Conn
}

// frame is a frame as it goes over the wire. It is spelled out here once more: the other side may
// be of another build. What has a number has it before the payload.
func frame(k kind, id uint64, payload ...byte) []byte {
	number := make([]byte, 4)
	if numbered(k) {
		number, payload = payload[:4], payload[4:]
	}
	n := len(payload)
	b := []byte{byte(k), byte(n >> 16), byte(n >> 8), byte(n)}
	b = append(binary.BigEndian.AppendUint64(b, id), number...)
	return append(b, payload...)
}

func numbered(k kind) bool {
	k &^= last
	return k == kindRequest || k == kindReply || k == kindCredit
}

// word is a payload that begins with a number.
func word(n uint32, rest ...byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, n), rest...)
}

func (r raw) send(b []byte) {
	r.t.Helper()
	if _, err := r.conn.Write(b); err != nil {
		r.t.Fatalf("write: %v", err)
	}
}

// read reads a frame, which must come.
func (r raw) read() (k kind, id uint64, payload []byte) {
	r.t.Helper()
	k, id, payload, err := r.tryRead()
	if err != nil {
		r.t.Fatalf("read: %v", err)
	}
	return k, id, payload
}

// tryRead reads a frame.
func (r raw) tryRead() (k kind, id uint64, payload []byte, err error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r.conn, h[:]); err != nil {
		return 0, 0, nil, err
	}
	payload = make([]byte, int(h[1])<<16|int(h[2])<<8|int(h[3]))
	_, err = io.ReadFull(r.conn, payload)
	if numbered(kind(h[0])) {
		payload = append(h[12:16:16], payload...)
	}
	return kind(h[0]), binary.BigEndian.Uint64(h[4:]), payload, err
}

// want reads frames until one other than a ping or a pong comes, which must be of this kind and
// stream.
func (r raw) want(k kind, id uint64) (payload []byte) {
	r.t.Helper()
	for {
		gotKind, gotID, payload := r.read()
		if gotKind == kindPing || gotKind == kindPong {
			continue
		}
		if gotKind != k || gotID != id {
			r.t.Fatalf("frame of kind %#x, stream %d, want %#x, %d", gotKind, gotID, k, id)
		}
		return payload
	}
}

// discard reads all that comes.
func (r raw) discard() { _, _ = io.Copy(io.Discard, r.conn) }

// rawServer returns a client over a pipe, and the other end of it.
func rawServer(t testing.TB, cfg Config) (*Client, raw) {
	here, there := net.Pipe()
	c := NewClient(here, cfg)
	t.Cleanup(func() {
		c.Close()
		<-c.Done()
		_ = there.Close()
	})
	return c, raw{t, there}
}

// rawClient returns a server over a pipe, and the other end of it.
func rawClient(t testing.TB, cfg Config) (*Server, raw) {
	here, there := net.Pipe()
	if cfg.Serve == nil {
		cfg.Serve = func(*Call) {}
	}
	s := NewServer(here, cfg)
	t.Cleanup(func() {
		s.Close()
		s.Wait()
		_ = there.Close()
	})
	return s, raw{t, there}
}
