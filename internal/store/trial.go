package store

// The chunks of a file that comes when the memory is full are on probation (package chunks), where
// they don't stay for long. Its record goes as fast as they do if it isn't used meanwhile: so those
// of files that are asked for once take no memory from files that are asked for again. Once it has
// been used, or some of its chunks are in main, a file is like others. The same holds for near
// copies of other nodes' records.

// try begins the time of a newcomer.
func (e *entry) try() {
	e.onTrial = true
	e.lastUse.Store(-1)
}

// newcomer reports whether e, which is on trial, hasn't been used since. Until then its lastUse is
// below zero: it says how many bytes had come to probation, and is -1 less that.
func (e *entry) newcomer() bool { return e.lastUse.Load() < 0 }

// old reports whether e was used last, or came, before that many bytes had come.
func (e *entry) old(before int64) bool {
	last := e.lastUse.Load()
	return max(last, -1-last) < before
}

// placedLocked notes whether a chunk of rec has come to main, or is on probation.
func (t *table) placedLocked(rec *Record, main bool) {
	now := t.look(rec.Key)
	switch e := now.entry; {
	case e == nil || e.onTrial && !main || e.kept && !e.onTrial:
		return
	case main:
		e.onTrial, e.kept = false, true
	default:
		e.try()
	}
	t.poolLocked(now)
}

// poolLocked moves now's entry to the pool that it belongs to by now.
func (t *table) poolLocked(now stored) {
	t.pools[now.pool].remove(now.entry)
	t.enterLocked(now)
}

// One part in so many of the memory may be taken by newcomers' records: else what comes once would
// push out chunks by its records.
const newcomersShare = 32

// judgeLocked ends the time of the oldest newcomers, as far as they take more than their share.
func (t *table) judgeLocked() {
	for p := &t.pools[newcomers]; p.bytes > t.Memory/newcomersShare && p.entries > 1; {
		if e := p.oldest; e.newcomer() && !t.reads(e) {
			t.removeLocked(e.key())
		} else {
			e.onTrial, e.kept = false, true
			t.poolLocked(t.look(e.key()))
		}
	}
}
