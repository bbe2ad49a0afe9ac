package fill

import (
	"context"
	"time"
)

// Await waits until bytes have come at the follower's position, no longer than d, and reports
// whether some have. The error is the run's if it has failed before that, or ctx's cause if that
// ends. What else keeps them from coming, Next tells.
func (f *Follower) Await(ctx context.Context, d time.Duration) (come bool, err error) {
	r := f.r
	r.mu.Lock()
	defer r.mu.Unlock()
	var expired <-chan time.Time
	for f.pos >= r.pos && !f.overLocked() {
		if expired == nil {
			expired = time.After(d)
		}
		if ticked, err := r.waitLocked(ctx, expired); ticked || err != nil {
			return false, err
		}
	}
	if r.done && r.err != nil && f.pos >= r.pos {
		return false, r.err
	}
	return r.base <= f.pos && f.pos < r.pos, nil
}

// overLocked reports whether the run brings nothing more at the follower's position.
func (f *Follower) overLocked() bool {
	return f.r.done || f.r.end >= 0 && f.pos >= f.r.end && !f.r.extensibleLocked()
}
