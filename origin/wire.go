package origin

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// wire is a connection to a server which knows whether all that has come over it has been read. One
// goroutine at a time reads, as net/http and crypto/tls do.
type wire struct {
	net.Conn
	raw    syscall.RawConn
	secure bool                  // it carries TLS
	reads  chan struct{}         // has room for one: a Read has begun
	try    func(fd uintptr) bool // tryRead
	read   func(fd uintptr)      // readLocked

	mu      sync.Mutex // guards what follows
	waiting bool       // a Read waits for bytes
	into    []byte     // where that Read wants them
	n       int        // what it got
	err     error
	records tlsRecords // what has been read of them
}

// newWire returns conn as a wire, if this system can show what has come over conn.
func newWire(conn net.Conn, secure bool) net.Conn {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil || !canPeek {
		return conn
	}
	w := &wire{Conn: conn, raw: raw, secure: secure, reads: make(chan struct{}, 1)}
	w.try, w.read = w.tryRead, w.readLocked
	return w
}

// Read is net.Conn's. It doesn't take an empty p.
func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	w.into, w.waiting = p, true
	w.mu.Unlock()
	select {
	case w.reads <- struct{}{}:
	default:
	}
	err := w.raw.Read(w.try)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.into = nil
	switch {
	case w.waiting: // err ended the wait for bytes
		w.waiting = false
		return 0, err
	case w.err != nil:
		return 0, &net.OpError{
			Op: "read", Net: "tcp", Source: w.LocalAddr(), Addr: w.RemoteAddr(),
			Err: os.NewSyscallError("read", w.err),
		}
	case w.n == 0:
		return 0, io.EOF
	}
	return w.n, nil
}

// tryRead reads what has come, unless quiet has done so. It returns false to be called again when
// there is more.
func (w *wire) tryRead(fd uintptr) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting {
		w.readLocked(fd)
	}
	return !w.waiting
}

// readLocked reads what has come for the Read that waits. mu is held until that is recorded, so
// there are no bytes that are neither in the kernel nor recorded.
func (w *wire) readLocked(fd uintptr) {
	w.n, w.err = readNow(fd, w.into)
	w.waiting = w.err == errNothing
	if w.secure {
		w.records.advance(w.into[:w.n])
	}
}

// quiet reports whether nothing has come that hasn't been read: a Read waits, TLS is at the end of
// a record, and the kernel has nothing. If it has something, the Read that waits gets that, even if
// w is closed now.
func (w *wire) quiet() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting && !w.records.within() && w.raw.Control(w.read) == nil && w.waiting
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
