// Package chunk is the arithmetic of where the bytes of a representation lie: an offset goes in;
// the slab, the chunk and its bounds come out. It holds no bytes and no state.
//
// A representation is cut into slabs of equal size, and each slab into chunks. The chunks of a
// slab's first MaxChunk bytes climb a ladder, so that the first byte isn't held up by a large first
// chunk; the others are MaxChunk each:
//
//	slab 0                                                        slab 1
//	|32K|32K|64K |128K  |256K     |512K      | 1M | 1M | … | 1M   |32K|32K|…
package chunk

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"
)

// Geometry is how representations are cut. It must be the same on all nodes. The zero value is not
// usable.
type Geometry struct {
	First int64 // bytes of the first chunk of a slab
	Max   int64 // bytes of the largest chunk: First times a power of two
	Slab  int64 // bytes of a slab: a multiple of Max
}

// Validate returns what is wrong with g, if anything.
func (g Geometry) Validate() error {
	switch {
	case g.First < 1:
		return fmt.Errorf("first chunk of %d bytes: it must be at least 1 byte", g.First)
	case g.Max < g.First || g.Max%g.First != 0 || bits.OnesCount64(uint64(g.Max/g.First)) != 1:
		return fmt.Errorf("largest chunk of %d bytes: it must be the first chunk (%d) times a "+
			"power of two",
			g.Max, g.First)
	case g.Slab < g.Max || g.Slab%g.Max != 0:
		return fmt.Errorf("slab of %d bytes: it must be a multiple of the largest chunk (%d)",
			g.Slab, g.Max)
	}
	return nil
}

// ID names one chunk of a representation.
type ID struct {
	Slab, Index int64
}

// Chunk is one chunk's place: the bytes [Start, End) of the representation. The representation may
// end before End.
type Chunk struct {
	ID
	Start, End int64
}

// At returns the chunk that holds the byte at off. If whole, the representation is one slab
// whatever its size, as it is when no part of it can be asked for on its own.
func (g Geometry) At(off int64, whole bool) Chunk {
	slab := int64(0)
	if !whole {
		slab = off / g.Slab
	}
	base := slab * g.Slab
	index, start, end := g.inSlab(off - base)
	return Chunk{ID{slab, index}, base + start, base + end}
}

// inSlab is At for an offset within a slab.
func (g Geometry) inSlab(off int64) (index, start, end int64) {
	if off >= g.Max {
		n := off / g.Max
		return g.rungs() + n, n * g.Max, (n + 1) * g.Max
	}
	if index = int64(bits.Len64(uint64(off / g.First))); index > 0 {
		start = g.First << (index - 1)
	}
	return index, start, g.First << index
}

// rungs is how many chunks lie in a slab's first Max bytes, less one.
func (g Geometry) rungs() int64 { return int64(bits.Len64(uint64(g.Max/g.First))) - 1 }

// SlabEnd is the offset at which the slab that holds off ends.
func (g Geometry) SlabEnd(off int64) int64 { return (off/g.Slab + 1) * g.Slab }

// Spans is a set of offsets: half-open intervals, sorted, apart from each other.
type Spans []Span

// Span is the bytes [Start, End).
type Span struct{ Start, End int64 }

// Add puts [start, end) into the set.
func (s Spans) Add(start, end int64) Spans {
	i := sort.Search(len(s), func(i int) bool { return s[i].End >= start })
	j := i
	for ; j < len(s) && s[j].Start <= end; j++ {
		start, end = min(start, s[j].Start), max(end, s[j].End)
	}
	return slices.Replace(s, i, j, Span{start, end})
}

// Covers reports whether all of sp is in the set.
func (s Spans) Covers(sp Span) bool {
	return slices.ContainsFunc(s, func(have Span) bool {
		return have.Start <= sp.Start && sp.End <= have.End
	})
}
