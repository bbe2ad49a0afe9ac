package exchange

import (
	"sync"
	"time"
)

// untold is the nodes that couldn't be told of an invalidation, and are tried again and again. The
// zero value is ready for use.
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

// Pauses between tries to tell a node.
const (
	firstPause = 100 * time.Millisecond
	mostPause  = 5 * time.Second
)

// keepSharing has logs exchanged with a node as soon as that can be done, unless it is none any
// more: when it is one again, that comes first.
func (x *Exchange) keepSharing(node string) {
	x.untold.miss(node, func() { x.work.Go(func() { x.retrySharing(node) }) })
}

func (x *Exchange) retrySharing(node string) {
	missed, over := 1, false
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		if x.share(node) == nil || x.node.Peer(node) == nil {
			if missed, over = x.untold.over(node, missed); over {
				return
			}
		}
		select {
		case <-time.After(pause):
		case <-x.base.Done():
			return
		}
	}
}
