package exchange

import (
	"slices"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/peer"
)

// untold is the nodes that couldn't be told of an invalidation, and are tried again and again. The
// zero value is ready for use.
type untold struct {
	mu     sync.Mutex
	misses map[*peer.Peer]int // what a node couldn't be told since it is tried
	closed bool               // nothing is tried again any more
}

// miss notes that p couldn't be told, and has retry called if p isn't being tried already.
func (u *untold) miss(p *peer.Peer, retry func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return
	}
	if u.misses == nil {
		u.misses = map[*peer.Peer]int{}
	}
	if u.misses[p]++; u.misses[p] == 1 {
		retry()
	}
}

func (u *untold) missed(p *peer.Peer) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.misses[p]
}

// over reports whether p need be tried no more, now that it has been told of so many.
func (u *untold) over(p *peer.Peer, told int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.misses[p] != told {
		return false
	}
	delete(u.misses, p)
	return true
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

// keepSharing has logs exchanged with p as soon as that can be done, unless p is no node any more:
// when it is one again, that comes first.
func (x *Exchange) keepSharing(p *peer.Peer) {
	x.untold.miss(p, func() { x.work.Go(func() { x.retrySharing(p) }) })
}

func (x *Exchange) retrySharing(p *peer.Peer) {
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		missed := x.untold.missed(p)
		done := x.share(p) == nil || !slices.Contains(x.node.Peers(), p)
		if done && x.untold.over(p, missed) {
			return
		}
		select {
		case <-time.After(pause):
		case <-x.base.Done():
			return
		}
	}
}
