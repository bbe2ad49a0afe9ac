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
	clock  int       // how many heartbeats there were
	grace  int       // not dead before this heartbeat
	heard  int64     // what the source had heard by the last heartbeat
	silent int       // heartbeats since it last heard anything new
}

// tick counts a heartbeat. It reports whether anything was heard since the one before. Silence
// counts only where something is due.
func (p *pulse) tick(now time.Time, heard int64, due bool) (any bool) {
	p.clock++
	if now.Sub(p.last) > 2*p.every {
		// What the other side sent meanwhile may not have been read yet.
		p.grace = p.clock + p.patience
	}
	p.last = now
	any = heard != p.heard
	p.heard = heard
	switch {
	case any:
		p.silent = 0
	case due:
		p.silent++
	}
	return any
}

// dead reports whether the other side counts as dead.
func (p *pulse) dead() bool { return p.clock >= p.grace && p.silent >= p.patience }

// overdue reports whether something that was due since that heartbeat has been due for too long.
func (p *pulse) overdue(since int) bool { return p.clock >= p.grace && p.clock-since > p.patience }
