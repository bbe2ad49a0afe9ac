package wire

import "time"

// idleBeats is how many beats apart an asker without open streams pings.
const idleBeats = 5

// pulse judges by beats whether the other side lives. It counts beats instead of comparing times: a process that was
// stopped, or got no share of the processor, counts one beat for all that it missed, and so doesn't take its own
// absence for the other side's.
type pulse struct {
	patience int // how many silent beats mean death
	every    time.Duration

	last   time.Time // of the last beat
	clock  int       // how many beats there were
	grace  int       // no one is declared dead before this beat
	heard  int64     // what the source had heard by the last beat
	silent int       // beats since it last heard anything new
}

// tick counts a beat. It tells whether anything was heard since the one before. Silence counts only where something is
// due.
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

// dead is the verdict.
func (p *pulse) dead() bool { return p.clock >= p.grace && p.silent >= p.patience }

// overdue tells whether something that was due since the beat since has been due for too long.
func (p *pulse) overdue(since int) bool { return p.clock >= p.grace && p.clock-since > p.patience }
