package wire

import (
	"bufio"
	"io"
	"net"
	"sync/atomic"
)

const scratchSize = 64 << 10

// batch is what goes with one write: copies of what is small, references to what is large. It
// belongs to the goroutine that writes.
type batch struct {
	dst   io.Writer
	flush func() error // of dst, if that is buffered

	scratch []byte      // headers, and copies
	from    int         // scratch[from:] isn't in vec yet
	vec     net.Buffers // what to write
	rest    net.Buffers // what is left of vec while it is being written

	counted *atomic.Int64 // bytes written
}

func newBatch(conn net.Conn, counted *atomic.Int64) batch {
	b := batch{dst: conn, scratch: make([]byte, 0, scratchSize), counted: counted}
	if _, ok := conn.(*net.TCPConn); !ok { // TCP writes many slices with one call
		// TLS makes a record of each write, however short.
		buffered := bufio.NewWriterSize(conn, scratchSize)
		b.dst, b.flush = buffered, buffered.Flush
	}
	return b
}

// roomy reports whether the header of another frame fits.
func (b *batch) roomy() bool { return len(b.scratch)+headerSize <= cap(b.scratch) }

func (b *batch) header(h header) { b.scratch = appendHeader(b.scratch, h) }

// put adds p, by reference unless it is small.
func (b *batch) put(p []byte) {
	if len(p) <= small && len(b.scratch)+len(p) <= cap(b.scratch) {
		b.scratch = append(b.scratch, p...)
		return
	}
	b.cut()
	b.vec = append(b.vec, p)
}

// cut moves what has been gathered in scratch into vec.
func (b *batch) cut() {
	if b.from < len(b.scratch) {
		b.vec = append(b.vec, b.scratch[b.from:len(b.scratch):len(b.scratch)])
		b.from = len(b.scratch)
	}
}

// write writes the batch and empties it.
func (b *batch) write() error {
	b.cut()
	b.rest = b.vec
	n, err := b.rest.WriteTo(b.dst)
	if err == nil && b.flush != nil {
		err = b.flush()
	}
	b.counted.Add(n)
	clear(b.vec) // it may hold the only reference to a large value
	b.vec, b.scratch, b.from = b.vec[:0], b.scratch[:0], 0
	return err
}
