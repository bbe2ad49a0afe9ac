package wire

import "sync"

const blockSize = 32 << 10

// block is memory for content that came before a Read for it.
type block struct {
	next *block
	r, w int // b[r:w] is to be read
	b    [blockSize]byte
}

var blocks = sync.Pool{New: func() any { return new(block) }}

// content is a queue of bytes in blocks.
type content struct {
	front, back *block
	size        int
}

// room returns memory for at least one byte, to be filled and then counted by wrote.
func (c *content) room() []byte {
	if c.back == nil || c.back.w == blockSize {
		b := blocks.Get().(*block)
		b.next, b.r, b.w = nil, 0, 0
		if c.back == nil {
			c.front = b
		} else {
			c.back.next = b
		}
		c.back = b
	}
	return c.back.b[c.back.w:]
}

func (c *content) wrote(n int) {
	c.back.w += n
	c.size += n
}

// read moves bytes to p. If filling, the last block's room is being filled, so the block must stay.
func (c *content) read(p []byte, filling bool) int {
	n := 0
	for n < len(p) && c.size > 0 {
		b := c.front
		k := copy(p[n:], b.b[b.r:b.w])
		b.r += k
		n += k
		c.size -= k
		if b.r == b.w && (b != c.back || !filling) {
			c.free()
		}
	}
	return n
}

// drop forgets all bytes. If filling, the last block stays.
func (c *content) drop(filling bool) {
	for c.front != nil && (c.front != c.back || !filling) {
		c.free()
	}
	c.size = 0
	if c.front != nil {
		c.front.r = c.front.w
	}
}

// free gives back the first block.
func (c *content) free() {
	b := c.front
	if c.front = b.next; c.front == nil {
		c.back = nil
	}
	blocks.Put(b)
}
