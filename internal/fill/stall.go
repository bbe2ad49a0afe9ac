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

// memoryLocked returns the memory to read the next bytes of the last chunk into: its own, if there
// is plenty of room, or if bytes are taken to be there already; else a small buffer.
func (r *Run) memoryLocked() []byte {
	p := r.lastLocked()
	if spare := p.b[len(p.b):cap(p.b)]; !p.by || r.flows && len(spare) > 0 {
		r.viaSmall = false
		return spare
	}
	if r.viaSmall = true; r.small == nil {
		r.small = make([]byte, smallSize)
	}
	if cap(p.b) > len(p.b) && !p.firm {
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
		return
	}
	if p := r.lastLocked(); r.viaSmall && !p.firm && cap(p.b) > len(p.b) {
		p.resize(int64(len(p.b)))
		r.giveLocked(p.took, int64(len(p.b)))
		p.took = int64(len(p.b))
	}
}

// keep sees to it that b, which has been read, is in the memory of the last chunk, behind what has
// come of it. If it has come by way of the small buffer, there may be no room for it yet.
func (r *Run) keep(ctx context.Context, b []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pace.end(len(b))
	if r.flows = r.viaSmall && len(b) == smallSize; !r.viaSmall || len(b) == 0 {
		return nil
	}
	stop(r.stalled)
	p := r.lastLocked()
	if cap(p.b) == len(p.b) {
		held := p.took
		r.mu.Unlock()
		firm, err := r.cfg.Take(ctx, held, p.size)
		r.mu.Lock()
		if err != nil {
			return err
		}
		p = r.lastLocked() // those before it may have gone
		p.took, p.firm = p.size, firm
		r.taken += p.size - held
		p.resize(p.size)
	}
	copy(p.b[len(p.b):cap(p.b)], b)
	return nil
}
