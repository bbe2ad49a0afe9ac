package fill

import (
	"math/bits"
	"sync"

	"github.com/scurrycache/scurry/internal/memory"
)

// lent is memory for a chunk that only followers get, and that is read into again once none of them
// needs it. Fresh memory for what goes through a node costs more than copying it: the system and
// the runtime clear it, and the collector looks for it again.
type lent struct {
	b    []byte // its length is a power of two
	uses int    // by the run, and by followers. Guarded by the run's mu
}

// unused has the memory that is not lent at present, by the logarithm of its length.
var unused [32]sync.Pool

func class(n int64) int { return bits.Len64(uint64(n - 1)) }

// lend returns memory for n bytes that has been used before, or nil if there is none.
func lend(n int64) *lent {
	l, _ := unused[class(n)].Get().(*lent)
	return l.use()
}

func newLent(n int64) *lent { return (&lent{b: memory.Make(1 << class(n))}).use() }

// use counts one more who uses l, which may be nil.
func (l *lent) use() *lent {
	if l != nil {
		l.uses++
	}
	return l
}

// release counts one less. Nothing of l may be used any more by who calls it.
func (l *lent) release() {
	if l == nil {
		return
	}
	if l.uses--; l.uses == 0 {
		unused[class(int64(len(l.b)))].Put(l)
	}
}
