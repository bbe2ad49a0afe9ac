package exchange

import "sync"

// untold has the nodes that couldn't be told of an invalidation, and that are told again and again
// until they have learnt it. The zero value is ready for use.
type untold struct {
	mu     sync.Mutex
	misses map[string]int // what a node couldn't be told since it is tried
	closed bool           // nothing is tried again any more
}

// miss notes that a node couldn't be told, and has retry called if it isn't being tried already.
func (u *untold) miss(node string, retry func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return
	}
	if u.misses == nil {
		u.misses = map[string]int{}
	}
	if u.misses[node]++; u.misses[node] == 1 {
		retry()
	}
}

// over reports whether a node need be tried no more, now that it has been told of that many misses,
// and returns how many there are by now.
func (u *untold) over(node string, told int) (missed int, over bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	missed = u.misses[node]
	if over = missed == told; over {
		delete(u.misses, node)
	}
	return missed, over
}

func (u *untold) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
}
