package peer

import (
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/measure"
	"github.com/scurrycache/scurry/internal/wire"
)

// counts is what a node counts of a peer.
type counts struct {
	asks, errors atomic.Int64
	latency      atomic.Int64 // nanoseconds, a moving mean
	latencies    measure.Durations
	traffic      wire.Traffic // by the connections in both directions
}

// replied counts one more latency, and takes it into the mean at a weight of one in eight.
func (c *counts) replied(d time.Duration) {
	c.latencies.Observe(d)
	old := c.latency.Load()
	mean := int64(d)
	if old != 0 {
		mean = old + (int64(d)-old)/8
	}
	c.latency.CompareAndSwap(old, mean) // if it fails, another latency stands for this one
}
