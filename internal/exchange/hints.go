package exchange

import (
	"slices"
	"time"

	"github.com/scurrycache/scurry/internal/peer"
)

// queueHint notes that p couldn't be told. It is tried again until it can be, if it doesn't lose
// contact; and when it has, as soon as contact returns.
func (x *Exchange) queueHint(p *peer.Peer) {
	x.missed.queue(p.Name(), func() { x.work.Go(func() { x.retryHints(p) }) })
}

// Pauses between tries to tell a node.
const (
	firstPause = 100 * time.Millisecond
	mostPause  = 5 * time.Second
)

// retryHints tells p to validate all that it has, once it can be told, unless it is no node any
// more.
func (x *Exchange) retryHints(p *peer.Peer) {
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		select {
		case <-time.After(pause):
		case <-x.base.Done():
			return
		}
		message, answered := x.hint(p.Name())
		if message != nil && x.notify(p, message) == nil {
			answered()
		}
		if x.missed.over(p.Name(), slices.Contains(x.node.Peers(), p)) {
			return
		}
	}
}

// hint is what the node with that name is to be asked before anything else, when contact with it
// returns, and what is to be called when it has answered; nil if there is nothing.
func (x *Exchange) hint(name string) (message []byte, answered func()) {
	missed := x.missed.meet(name)
	if missed == 0 {
		return nil, nil
	}
	return []byte{reqRevalidateAll}, func() { x.missed.delivered(name, missed) }
}
