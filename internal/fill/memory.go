package fill

import (
	"context"
	"time"
)

const (
	// smallSize is how many bytes are read at once by way of a small buffer. If so many have come,
	// more are taken to be there already, which is rarely wrong: few origins send in blocks of such
	// a size. It is more than the buffer that net/http reads a body by way of, which is left out
	// then.
	smallSize = 4<<10 + 3

	// stallTime is how long a body may send nothing before the room for what it hasn't sent is of
	// more use to others. Few pauses of an origin that works are that long.
	stallTime = 100 * time.Millisecond
)

// memoryLocked returns the memory for the read that has begun, of the next bytes of the last chunk.
// That is the chunk's own if there is plenty of room, or if bytes are taken to be there already, and
// otherwise a small buffer.
func (r *Run) memoryLocked() []byte {
	p := r.lastLocked()
	if spare := p.b[len(p.b):cap(p.b)]; !p.by || r.flows && len(spare) > 0 {
		r.viaSmall = false
		return spare
	}
	if r.viaSmall = true; r.small == nil {
		r.small = make([]byte, smallSize)
	}
	if cap(p.b) > len(p.b) {
		if r.stalled == nil {
			r.stalled = time.AfterFunc(stallTime, r.shrink)
		} else {
			r.stalled.Reset(stallTime)
		}
	}
	return r.small[:min(int64(len(r.small)), p.size-int64(len(p.b)))]
}

// shrink gives back the room for what the last chunk lacks, if the body has stalled.
func (r *Run) shrink() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.segments) == 0 || r.pace.since.IsZero() || time.Since(r.pace.since) < stallTime {
		return // it goes on: the next read has the timer again
	}
	if p := r.lastLocked(); r.viaSmall && cap(p.b) > len(p.b) {
		p.resize(int64(len(p.b)))
		r.giveLocked(p.took, int64(len(p.b)))
		p.took = int64(len(p.b))
	}
}

// keepLocked sees to it that b, which has been read, is in the memory of the last chunk, behind
// what has come of it. If it has come by way of the small buffer, there may be no room for it yet.
func (r *Run) keepLocked(ctx context.Context, b []byte) error {
	r.pace.end(len(b))
	if r.flows = r.viaSmall && len(b) == smallSize; !r.viaSmall || len(b) == 0 {
		return nil
	}
	stop(r.stalled)
	p := r.lastLocked()
	if cap(p.b) == len(p.b) {
		held := p.took
		r.mu.Unlock()
		r.place.Detach()
		err := r.cfg.Room.Take(ctx, held, p.size)
		r.mu.Lock()
		if err != nil {
			return err
		}
		p = r.lastLocked() // those before it may have gone
		p.took = p.size
		r.taken += p.size - held
		p.resize(p.size)
	}
	copy(p.b[len(p.b):cap(p.b)], b)
	return nil
}

// placeLocked makes place for another chunk in a pinned run that holds all it may: it waits for the
// slowest follower.
func (r *Run) placeLocked(ctx context.Context) error {
	for r.cfg.Pinned && !r.affordLocked() {
		switch {
		case !r.overflow:
			r.overflow = true
			r.mu.Unlock()
			r.cfg.Content.Overflow()
			r.mu.Lock()
		case r.base == r.pos:
			return nil // a little at a time goes on
		case len(r.followers) == 0:
			r.err = ErrAbandoned
			return ErrAbandoned
		case r.slowestLocked() >= r.segments[0].end():
			r.dropFirstLocked()
		default:
			if _, err := r.pauseReadingLocked(ctx, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// newSegmentLocked returns what is read next: with memory, if there is plenty of room for it.
func (r *Run) newSegmentLocked(ctx context.Context) segment {
	size, plenty := r.nextLocked()-r.pos, true
	lends := size > 0 && r.cfg.Content.Lends()
	if lends {
		if l := lend(size); l != nil {
			return segment{off: r.pos, size: size, b: l.b[:0:size], lent: l}
		}
	}
	if r.cfg.Room != nil {
		r.mu.Unlock()
		plenty = r.cfg.Room.Spare(ctx, size)
		r.mu.Lock()
	}
	// it may have been cut meanwhile
	p := segment{off: r.pos, size: max(0, r.nextLocked()-r.pos), by: !plenty}
	if !plenty {
		return p
	}
	p.took = size
	r.taken += size
	if lends && p.size > 0 {
		p.lent = newLent(p.size)
		p.b = p.lent.b[:0:p.size]
	} else {
		p.resize(p.size)
	}
	return p
}

// giveLocked gives back room for what is beyond keep bytes of held.
func (r *Run) giveLocked(held, keep int64) {
	if held > keep && r.cfg.Room != nil {
		r.taken -= held - keep
		r.cfg.Room.Give(held, keep)
	}
}

// dropLocked drops the oldest chunks that needn't stay.
func (r *Run) dropLocked() {
	for len(r.segments) > 0 && !r.staysLocked(r.segments[0]) {
		r.dropFirstLocked()
	}
	if r.done && len(r.segments) == 0 {
		r.giveBackLocked(r.reserved)
	}
}

// staysLocked reports whether first, the oldest chunk, has to stay: in a pinned run, until it has
// ended and all followers have read it, since nobody joins it any more.
func (r *Run) staysLocked(first segment) bool {
	switch {
	case r.cfg.Pinned:
		return !r.done || r.slowestLocked() < first.end()
	case !first.whole() || first.end() > r.pushed:
		return true
	case len(r.followers) == 0:
		return false
	}
	return r.pos-first.end() < r.cfg.Content.Hold()
}

func (r *Run) dropFirstLocked() {
	r.base = r.segments[0].end()
	r.giveBackLocked(r.segments[0].size)
	r.segments[0].lent.release()
	r.segments[0] = segment{} // the array may live on
	r.segments = r.segments[1:]
}

// nextLocked is where the memory ends that is read into at the run's position: where the chunk
// ends, unless it isn't pushed.
func (r *Run) nextLocked() int64 {
	next := r.cfg.Content.Next(r.pos)
	if r.overflow || !r.cfg.Pinned {
		next = r.cfg.Content.Part(r.pos)
	}
	if r.end >= 0 {
		next = min(next, r.end)
	}
	return next
}

// affordLocked reports whether a pinned run may hold the next chunk on top of what it holds, and
// reserves it.
func (r *Run) affordLocked() bool {
	held, more := r.pos-r.base, r.nextLocked()-r.pos
	switch {
	case held+more > r.cfg.Content.Hold():
		return false
	case held+more <= r.cfg.Free:
		return true
	case !r.cfg.Content.Reserve(more):
		return false
	}
	r.reserved += more
	return true
}

// giveBackLocked returns up to n bytes to the account of pinned runs.
func (r *Run) giveBackLocked(n int64) {
	if n = min(n, r.reserved); n > 0 {
		r.reserved -= n
		r.cfg.Content.Release(n)
	}
}

// slowestLocked is how far all followers have come.
func (r *Run) slowestLocked() int64 {
	pos := r.pos
	for _, f := range r.followers {
		pos = min(pos, f.pos)
	}
	return pos
}
