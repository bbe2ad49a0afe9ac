package exchange

import (
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/wire"
)

// TestStandstill: a process that has stood still notices, by either clock, before others can have
// given it up.
func TestStandstill(t *testing.T) {
	for _, c := range []wire.Config{
		{Heartbeat: 200 * time.Millisecond, MissedHeartbeats: 4}, {Heartbeat: time.Second, MissedHeartbeats: 1},
		{Heartbeat: 5 * time.Second, MissedHeartbeats: 4}, {Heartbeat: 200 * time.Millisecond, MissedHeartbeats: 100},
	} {
		var s standstill
		s.init(c)
		if silent := min(patience(c), deathTimeout(c)); s.limit <= 0 || s.limit >= silent || c.MissedHeartbeats == 4 && silent < mostPatience && s.limit >= silent-c.Heartbeat {
			t.Errorf("%+v: the limit is %s, and a node is waited for %s", c, s.limit, silent)
		}
	}
	now := newTick()
	slept := &tick{now.at, now.wall - int64(time.Hour)} // the monotonic clock stood still as well
	stopped := &tick{now.at.Add(-time.Hour), now.wall}
	if now.ago(time.Minute) || !slept.ago(time.Minute) || !stopped.ago(time.Minute) {
		t.Error("a standstill isn't noticed, or one is noticed that wasn't")
	}
}
