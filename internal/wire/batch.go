package wire

import (
	"encoding/binary"
	"net"
	"sync/atomic"
)

const (
	scratchSize = 64 << 10
	scratchKeep = 8 << 10 // of scratch, so that there is some for the bulk's headers
)

// batch is what goes with one write: copies of what is small, references to what is large. It
// belongs to the goroutine that writes.
type batch struct {
	conn     net.Conn
	vectored bool // conn writes many slices with one call

	scratch []byte      // headers, and copies
	from    int         // scratch[from:] isn't in vec yet
	vec     net.Buffers // what to write
	rest    net.Buffers // what is left of vec while it is being written
	joined  []byte      // what conn gets if it isn't vectored

	out atomic.Int64 // bytes written
}

func (b *batch) init(conn net.Conn) {
	switch conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		b.vectored = true
	default:
		b.joined = make([]byte, 0, scratchSize)
	}
	b.conn = conn
	b.scratch = make([]byte, 0, scratchSize)
}

// roomy reports whether a small frame fits, and leaves place for the headers of bulk.
func (b *batch) roomy() bool { return len(b.scratch)+scratchKeep <= cap(b.scratch) }

// roomyForBulk reports whether the header of a large frame fits.
func (b *batch) roomyForBulk() bool { return len(b.scratch)+scratchKeep/4 <= cap(b.scratch) }

func (b *batch) header(k kind, size int, id uint64) {
	b.scratch = appendHeader(b.scratch, k, size, id)
}

func (b *batch) word(n uint32) { b.scratch = binary.BigEndian.AppendUint32(b.scratch, n) }

// put adds p, by reference unless it is small.
func (b *batch) put(p []byte) {
	if len(p) <= small && len(b.scratch)+len(p)+scratchKeep/2 <= cap(b.scratch) {
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
	var err error
	if b.vectored {
		b.rest = b.vec
		var n int64
		n, err = b.rest.WriteTo(b.conn)
		b.out.Add(n)
	} else {
		err = b.writeJoined()
	}
	clear(b.vec) // it may hold the only reference to a large value
	b.vec, b.scratch, b.from = b.vec[:0], b.scratch[:0], 0
	return err
}

// writeJoined writes the batch in large pieces: TLS makes a record of each write, however short.
func (b *batch) writeJoined() error {
	for _, p := range b.vec {
		for len(p) > 0 {
			k := copy(b.joined[len(b.joined):cap(b.joined)], p)
			b.joined = b.joined[:len(b.joined)+k]
			p = p[k:]
			if len(b.joined) == cap(b.joined) {
				if err := b.flush(); err != nil {
					return err
				}
			}
		}
	}
	return b.flush()
}

func (b *batch) flush() error {
	if len(b.joined) == 0 {
		return nil
	}
	n, err := b.conn.Write(b.joined)
	b.out.Add(int64(n))
	b.joined = b.joined[:0]
	return err
}
