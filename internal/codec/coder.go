// Package codec is the binary form of what nodes and flights pass on: numbers as varints, strings
// and lists with their length before them, in an order that both sides know.
//
// A message is described once, by a function that hands pointers to its fields to a Coder in their
// order. A Coder that writes appends what they point to. One that reads sets what they point to,
// and trusts the message in nothing.
package codec

import (
	"encoding/binary"
	"iter"
	"time"
)

// Coder writes or reads one message. The zero Coder writes, and changes nothing that it is given a
// pointer to. Once something in a message was wrong, the Coder is Bad, and all that it reads is
// zero.
type Coder struct {
	B     []byte // what has been written, or is yet to be read
	Reads bool
	Bad   bool
	Now   time.Time // for those who send times as ages, since the clocks of two nodes differ
}

// Fail makes c Bad.
func (c *Coder) Fail() { c.B, c.Bad = nil, true }

// Int codes a whole number of any type. One that the type can't hold is wrong.
func Int[T ~int | ~int64 | ~uint8 | ~uint64](c *Coder, n *T) {
	if !c.Reads {
		c.B = binary.AppendVarint(c.B, int64(*n))
		return
	}
	v, size := binary.Varint(c.B)
	if *n = T(v); size <= 0 || int64(*n) != v {
		c.Fail()
		*n = 0
		return
	}
	c.B = c.B[size:]
}

// Flags codes each flag in a byte.
func (c *Coder) Flags(flags ...*bool) {
	for _, flag := range flags {
		bit := 0
		if *flag {
			bit = 1
		}
		if Int(c, &bit); c.Reads {
			*flag = bit == 1
		}
	}
}

// length codes the length of what follows, which has at least a byte for each, and returns it.
func (c *Coder) length(n int) int {
	if Int(c, &n); n < 0 || c.Reads && n > len(c.B) {
		c.Fail()
		return 0
	}
	return n
}

// Text codes a string.
func (c *Coder) Text(s *string) {
	n := c.length(len(*s))
	if !c.Reads {
		c.B = append(c.B, *s...)
		return
	}
	*s, c.B = string(c.B[:n]), c.B[n:]
}

// Texts codes a list of strings.
func (c *Coder) Texts(list *[]string) {
	for s := range Each(c, list) {
		c.Text(s)
	}
}

// Each codes the length of a list, and yields its elements, which take at least a byte each, to be
// coded. A list without elements is read as nil.
func Each[T any](c *Coder, list *[]T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		n := c.length(len(*list))
		if c.Reads {
			*list = nil
		}
		for i := 0; i < n && !c.Bad; i++ {
			if c.Reads {
				var element T
				*list = append(*list, element)
			}
			if !yield(&(*list)[i]) {
				return
			}
		}
		if c.Bad {
			*list = nil
		}
	}
}
