package store

import "time"

// Instant is a point in time by the wall clock, in a third of a time.Time's memory. The zero
// Instant is none.
type Instant int64

// Deadline is a point in time at which something ends, by the monotonic clock where there is one:
// setting the wall clock doesn't move it. The zero Deadline is none.
type Deadline int64

var (
	epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	start = time.Now() // has a reading of the monotonic clock, unlike epoch
)

// At is t as an Instant.
func At(t time.Time) Instant { return Instant(since(t, epoch)) }

// Time is i as a time.Time.
func (i Instant) Time() time.Time { return after(int64(i), epoch) }

// Until is t as a Deadline.
func Until(t time.Time) Deadline { return Deadline(since(t, start)) }

// Time is d as a time.Time.
func (d Deadline) Time() time.Time { return after(int64(d), start) }

// IsZero reports whether d is none.
func (d Deadline) IsZero() bool { return d == 0 }

// since is t in nanoseconds after base, 0 for none.
func since(t, base time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	if n := int64(t.Sub(base)); n != 0 {
		return n
	}
	return 1
}

func after(n int64, base time.Time) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return base.Add(time.Duration(n))
}
