package listen

import (
	"sync"
	"sync/atomic"
)

// mostHeard is how many refused clients are heard out at once. Others may see a reset.
const mostHeard = 64

// limit is how many connections there may be, and what comes of the others.
type limit struct {
	freed   chan struct{} // has an element once a connection has ended
	hearing chan struct{} // has one for each refused client that is being heard out
	heard   sync.WaitGroup
	refused atomic.Int64 // connections
	crowded atomic.Int64 // those that were refused since their client had enough
}

// free notes that a connection has ended.
func (l *limit) free() {
	select {
	case l.freed <- struct{}{}:
	default:
	}
}

func newLimit() limit {
	return limit{freed: make(chan struct{}, 1), hearing: make(chan struct{}, mostHeard)}
}
