package wire

import (
	"slices"
	"sync"
)

const blockSize = 32 << 10

// block is memory for content that came before a Read for it.
type block struct {
	r, w int // b[r:w] is to be read
	b    [blockSize]byte
}

var blocks = sync.Pool{New: func() any { return new(block) }}

// content is a queue of bytes in blocks.
type content struct{ blocks []*block }

// add adds the bytes of b, of which none has been read, and returns a block that is free. It copies
// what fits into the last block, so that small frames don't take up a block each.
func (c *content) add(b *block) (free *block) {
	if n := len(c.blocks); n > 0 {
		back := c.blocks[n-1]
		if b.w <= blockSize-back.w {
			back.w += copy(back.b[back.w:], b.b[:b.w])
			return b
		}
	}
	c.blocks = append(c.blocks, b)
	return blocks.Get().(*block)
}

// read moves bytes to p.
func (c *content) read(p []byte) (n int) {
	for n < len(p) && len(c.blocks) > 0 {
		b := c.blocks[0]
		k := copy(p[n:], b.b[b.r:b.w])
		b.r += k
		n += k
		if b.r == b.w {
			blocks.Put(b)
			c.blocks = slices.Delete(c.blocks, 0, 1)
		}
	}
	return n
}

// drop forgets all bytes.
func (c *content) drop() {
	for _, b := range c.blocks {
		blocks.Put(b)
	}
	c.blocks = nil
}
