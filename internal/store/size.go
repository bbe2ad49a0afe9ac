package store

import "math/bits"

// What a record takes in memory besides its strings, as Go's allocator hands it out.
const (
	recordSize  = 240
	entrySize   = 64 + 56 // of the table: the entry, a place in the map
	detailsSize = 176     // those that aren't shared
	// of the index: a set for a group, or a canonical form, that has one member
	groupSize = 240
	bodySize  = 112 + 16 + 40 // of a content larger than a chunk
	fieldSize = 64            // of a trailer
)

func (d *Details) size() int {
	n := detailsSize + block(len(d.URL)) + block(len(d.Variant))
	for _, name := range d.Vary {
		n += 16 + block(len(name))
	}
	for _, group := range d.Groups {
		n += 16 + groupSize + block(len(group))
	}
	for name, values := range d.Trailer {
		n += fieldSize + block(len(name))
		for _, v := range values {
			n += 16 + block(len(v))
		}
	}
	return n
}

// block is the size of the block of memory that n bytes get: the allocator's sizes are about an
// eighth of a power of two apart.
func block(n int) int {
	if n <= 32 {
		return (n + 7) &^ 7
	}
	step := max(16, 1<<max(0, bits.Len(uint(n-1))-4))
	return (n + step - 1) &^ (step - 1)
}
