package exchange

import (
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/wire"
)

// standstill notices that this process, or the machine, has stood still. Other nodes may have tried
// to tell it of invalidations meanwhile, and have given up. Hits look by themselves: one may come
// before anything else runs.
type standstill struct {
	dead  time.Duration        // after which silence others give up
	limit time.Duration        // which is shorter
	last  atomic.Pointer[tick] // when this process is known to have run
}

// tick is a moment by both clocks. The monotonic one stands still with the machine, the other one
// doesn't.
type tick struct {
	at   time.Time
	wall int64
}

func newTick() *tick {
	now := time.Now()
	return &tick{now, now.UnixNano()}
}

// ago reports whether t is longer ago than that.
func (t *tick) ago(limit time.Duration) bool {
	now := time.Now()
	return now.Sub(t.at) > limit || now.UnixNano()-t.wall > int64(limit)
}

func (s *standstill) init(c wire.Config) {
	s.dead = min(deathTimeout(c), mostPatience)
	// The last heartbeat that the others heard may be one interval older than the standstill.
	s.limit = max(s.dead-c.Heartbeat, s.dead/2)
	s.limit -= s.limit / 8 // for what the others' clocks may be ahead
	s.last.Store(newTick())
}

// deathTimeout is how long a node is silent until others count it as dead.
func deathTimeout(c wire.Config) time.Duration {
	return c.Heartbeat * time.Duration(c.MissedHeartbeats)
}

// mostPatience is how long a node is waited for, at most, that is to be told of something.
const mostPatience = 5 * time.Second
