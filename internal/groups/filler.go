package groups

import "sync"

// A filler stands in the place of values: of those that a released group held, and of those that a
// reserved part of a group could hold. All fillers share their bytes, which nobody writes or reads,
// so that they cost next to nothing, and the large ones of large groups not even that.

const (
	fillerShare = 256      // so many fill a group
	maxFiller   = 64 << 20 // bytes
)

// filling is what all fillers are cut from.
var filling struct {
	mu sync.Mutex
	b  []byte
}

// fillerOf returns the filler of groups with that budget.
func fillerOf(budget int64) []byte {
	n := int(min(budget/fillerShare+1, maxFiller))
	filling.mu.Lock()
	defer filling.mu.Unlock()
	if len(filling.b) < n {
		filling.b = make([]byte, n)
	}
	return filling.b[:n:n]
}
