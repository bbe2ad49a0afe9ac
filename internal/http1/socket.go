package http1

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/scurrycache/scurry/internal/workers"
)

// Socket is a connection that shows what has come over it without a wait, also through the TLS
// above it. One goroutine at a time reads, and one writes.
type Socket struct {
	net.Conn
	raw    syscall.RawConn
	secure bool          // it carries TLS
	now    bool          // Reads don't wait
	task   *workers.Task // has its caller wait for Reads; nil if they wait by themselves

	into    []byte // where a Read that doesn't wait wants its bytes
	n       int    // what it got
	err     error
	read    func(fd uintptr)
	writing sync.Mutex // guards what follows: net/http writes from one goroutine after the other
	from    []byte     // what a Write writes
	written int        // without a wait
	write   func(fd uintptr)
	records tlsRecords // what has been read of them

	mu          sync.Mutex // guards what follows
	deadline    time.Time  // of Reads
	awaiting    int        // counts the waits of tasks' callers; negative between them
	interrupted bool       // the wait is over: another deadline than that one is set
}

// NewSocket returns conn, a *net.TCPConn as a rule, as a Socket; secure says that conn carries TLS.
// It returns conn itself if this system can't show what has come over conn.
func NewSocket(conn net.Conn, secure bool) net.Conn {
	c, ok := conn.(syscall.Conn)
	if !ok || !CanPoll {
		return conn
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return conn
	}
	s := &Socket{Conn: conn, raw: raw, secure: secure}
	s.read = func(fd uintptr) { s.n, s.err = readNow(fd, s.into) }
	s.write = func(fd uintptr) { s.written = writeNow(fd, s.from) }
	return s
}

// Read is net.Conn's.
func (s *Socket) Read(p []byte) (n int, err error) {
	switch {
	case s.now:
		n, err = s.readNow(p)
	case s.task.Attached() && s.task.Await(func(ctx context.Context) (come bool) {
		n, err, come = s.readFor(ctx, p)
		return come
	}):
	default:
		n, err = s.Conn.Read(p)
	}
	if s.secure {
		s.records.advance(p[:n])
	}
	return n, err
}

// Write is net.Conn's. One goroutine at a time writes.
func (s *Socket) Write(p []byte) (n int, err error) {
	now, err := s.writeNow(p)
	if err != nil || now == len(p) {
		return now, err
	}
	n, err = s.Conn.Write(p[now:])
	return now + n, err
}

func (s *Socket) writeNow(p []byte) (n int, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.from, s.written = p, 0
	err = s.raw.Control(s.write)
	s.from = nil
	return s.written, err
}

// readNow is Read without a wait: if nothing has come, it fails as after a deadline, which TLS
// above it takes for an error that doesn't last.
func (s *Socket) readNow(p []byte) (int, error) {
	s.into = p
	err := s.raw.Control(s.read)
	s.into = nil
	switch {
	case err != nil:
		return 0, err
	case s.err == errNothing:
		return 0, os.ErrDeadlineExceeded
	case s.err != nil:
		return 0, os.NewSyscallError("read", s.err)
	case s.n == 0:
		return 0, io.EOF
	}
	return s.n, nil
}

// readFor is Read by a goroutine that waits no longer than until ctx ends. It reports whether
// something has come: bytes, the end, or an error.
func (s *Socket) readFor(ctx context.Context, p []byte) (n int, err error, come bool) {
	wait := s.await()
	stop := context.AfterFunc(ctx, func() { s.interrupt(wait) })
	waited := s.raw.Read(func(fd uintptr) bool {
		n, err = readNow(fd, p)
		return err != errNothing
	})
	stop()
	s.endAwait()
	switch {
	case waited == nil && err != nil:
		err = os.NewSyscallError("read", err)
	case waited == nil && n == 0:
		err = io.EOF
	case waited != nil && ctx.Err() != nil && errors.Is(waited, os.ErrDeadlineExceeded):
		return 0, nil, false
	default:
		err = cmp.Or(waited, err)
	}
	return n, err, true
}

// await begins a wait that interrupt may end, and endAwait ends it.
func (s *Socket) await() (wait int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaiting = 1 - s.awaiting
	return s.awaiting
}

func (s *Socket) endAwait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.interrupted {
		_ = s.Conn.SetReadDeadline(s.deadline)
	}
	s.awaiting, s.interrupted = -s.awaiting, false
}

// interrupt ends that wait, unless it is over: a context may say late that it has ended.
func (s *Socket) interrupt(wait int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaiting == wait {
		s.interrupted = true
		_ = s.Conn.SetReadDeadline(past)
	}
}

// SetDeadline is net.Conn's.
func (s *Socket) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return s.Conn.SetDeadline(t)
}

// SetReadDeadline is net.Conn's.
func (s *Socket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return s.Conn.SetReadDeadline(t)
}

// tlsRecords follows the records of TLS in a stream of bytes (RFC 8446 section 5.1).
type tlsRecords struct {
	header [5]byte
	have   int // bytes of header
	left   int // bytes that the record's content still lacks
}

// within reports whether the last record is incomplete.
func (t *tlsRecords) within() bool { return t.have > 0 || t.left > 0 }

// advance follows the records in b, which has come next.
func (t *tlsRecords) advance(b []byte) {
	for len(b) > 0 {
		n := min(t.left, len(b))
		t.left, b = t.left-n, b[n:]
		if len(b) == 0 {
			return
		}
		n = copy(t.header[t.have:], b)
		t.have, b = t.have+n, b[n:]
		if t.have == len(t.header) {
			t.left, t.have = int(binary.BigEndian.Uint16(t.header[3:])), 0
		}
	}
}
