package wire

import "time"

// idleHeartbeats is how many heartbeats apart a client without open streams pings.
const idleHeartbeats = 5

// pulse counts heartbeats to judge whether the other side is alive. It doesn't compare times: a
// process that was stopped, or got no share of the processor, counts one heartbeat for all that it
// missed, and so doesn't take its own absence for the other side's.
type pulse struct {
	patience int // after how many silent heartbeats the other side counts as dead
	every    time.Duration

	last   time.Time // of the last heartbeat
	heard  int64     // how much had been heard by then
	when   time.Time // of the last heartbeat by which something new had been heard
	silent int       // heartbeats since
}

// tick counts a heartbeat, and reports whether the other side counts as dead. Silence counts only
// where something is due.
func (p *pulse) tick(now time.Time, heard int64, due bool) (dead bool) {
	late := now.Sub(p.last) > 2*p.every
	p.last = now
	switch {
	case heard != p.heard:
		p.heard, p.when, p.silent = heard, now, 0
	case late: // what the other side sent meanwhile may not have been read yet
		p.silent = 0
	case due:
		p.silent++
	}
	return p.silent >= p.patience
}
