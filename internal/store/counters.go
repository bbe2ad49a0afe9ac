package store

import (
	"hash/maphash"
	"sync/atomic"
)

// seed is that of all hashes that this process makes of names and fields.
var seed = maphash.MakeSeed()

// counters count how often something has happened to each of many names. Names whose hashes collide
// share a counter: it tells that something may have happened, never that nothing has.
type counters [1024]atomic.Int64

func (c *counters) at(name string) *atomic.Int64 {
	return &c[maphash.String(seed, name)%uint64(len(c))]
}
