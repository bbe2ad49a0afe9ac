package listen

import "sync"

// buffer is what a connection is read into before net/http has it.
type buffer struct {
	bytes [4 << 10]byte
	receiver
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func (b *buffer) free() { buffers.Put(b) }

// pending is what is still to be read of a buffer, which is nil if that is nothing.
type pending struct {
	*buffer
	rest []byte
}

// take copies bytes to b, and returns how many.
func (p *pending) take(b []byte) (n int) {
	if p.buffer == nil {
		return 0
	}
	n = copy(b, p.rest)
	if p.rest = p.rest[n:]; len(p.rest) == 0 {
		p.free()
		*p = pending{}
	}
	return n
}
