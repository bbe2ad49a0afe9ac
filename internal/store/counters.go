package store

import (
	"hash/maphash"
	"sync/atomic"
)

// seed is the seed of all hashes of names and fields in this process.
var seed = maphash.MakeSeed()

// counters count how often something has happened to each of many names. Names whose hashes collide
// share a counter. So an unchanged counter proves that nothing has happened; a changed one doesn't
// prove that something has.
type counters [1024]atomic.Int64

func (c *counters) at(name string) *atomic.Int64 {
	return &c[maphash.String(seed, name)%uint64(len(c))]
}
