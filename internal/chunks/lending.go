package chunks

import "sync"

// lending has probation use what main has no longer to leave to others, until main needs it. Main
// can't have it back at once: the fillers that held it are evicted no sooner than the values that
// were used before them, so what comes for the first time would push those out. On probation new
// chunks only push out each other.
type lending struct {
	mu       sync.Mutex // guards all below; held while memory is reserved
	reserved int64      // what others have reserved, in bytes
	lent     int64      // what main leaves to probation beside that
}

// How much of main's memory probation may use: so many times its own, and no more than a bound. All
// of it is taken up by fillers when the cache is made, which takes as long as they are many.
const (
	lendShare = 5
	mostLent  = 8 << 30
)

// Reserve keeps n bytes of the budget from chunks, for others, instead of what was reserved before.
func (c *Cache) Reserve(n int64) {
	c.lending.mu.Lock()
	defer c.lending.mu.Unlock()
	lent := max(0, c.reserved+c.lent-n)
	c.reserved = n
	c.lendLocked(min(lent, c.lendable))
}

// reclaim has main take back n bytes of what probation uses, for a chunk that main is to hold, if
// main has no room for it.
func (c *Cache) reclaim(n int64) {
	c.lending.mu.Lock()
	defer c.lending.mu.Unlock()
	if c.lent > 0 && c.Full() {
		c.lendLocked(max(0, c.lent-n))
	}
}

// lendLocked has probation use n bytes of main's memory. First the one leaves what the other takes.
func (c *Cache) lendLocked(n int64) {
	more := n > c.lent
	if c.lent = n; more {
		c.Group.Reserve(c.reserved + n)
	}
	if c.trial != nil {
		c.trial.Reserve(c.lendable - n)
	}
	if !more {
		c.Group.Reserve(c.reserved + n)
	}
}
