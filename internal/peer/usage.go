package peer

import (
	"sync/atomic"
	"time"
)

// counts is what a node counts of its requests to a peer.
type counts struct {
	asks, errors, in, out atomic.Int64
	latency               atomic.Int64 // nanoseconds, a moving mean
}

// replied takes one more latency into the mean, at a weight of one in eight.
func (c *counts) replied(d time.Duration) {
	for {
		old := c.latency.Load()
		mean := int64(d)
		if old != 0 {
			mean = old + (int64(d)-old)/8
		}
		if c.latency.CompareAndSwap(old, mean) {
			return
		}
	}
}
