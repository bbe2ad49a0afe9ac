package fill

import (
	"context"
	"io"
	"slices"
	"sort"
	"time"
)

// Follower reads a run's bytes from some offset on, as they arrive. It is used by one goroutine at
// a time.
type Follower struct {
	r     *Run
	pos   int64
	stop  int64 // the follower wants nothing from here on
	ahead int64 // how far ahead of the follower the run may read
	begun bool  // as not in Wanted's Unbegun
	who   any   // it follows for
	lent  *lent // what Next returned last is of
	driver
}

// Wanted is which bytes of a run a follower wants, and for whom.
type Wanted struct {
	Who       any // that Waiting returns; it must be comparable
	Off, Stop int64

	// The run reads on at least Ahead bytes before the follower, and with Everything to its own
	// end, whatever becomes of the follower.
	Ahead int64

	// Behind means that the run may have dropped the byte at Off. Then the follower is to get the
	// bytes elsewhere, and to Skip them, until it has come to those that the run holds. Meanwhile
	// the run goes on for it as for any follower.
	Behind bool

	// Unbegun means that nothing has been sent yet of what the bytes are wanted for, until Opened
	// has returned: then it is better to be told that they can't be had than to wait. A run without
	// any other follower doesn't go on trying to open its body.
	Unbegun bool
}

// Follow joins the run at w.Off, if it holds the byte there or will produce it. Otherwise it
// returns nil. The Follower must be closed.
func (r *Run) Follow(w Wanted) *Follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	behind := w.Behind && r.cfg.Start <= w.Off && w.Off < r.base && !r.cfg.Pinned
	if !behind && !r.spanLocked().Holds(w.Off) || r.err != nil ||
		r.done && (behind || w.Off >= r.pos) {
		return nil
	}
	f := &Follower{r: r, who: w.Who, pos: w.Off, stop: w.Stop, ahead: w.Ahead, begun: !w.Unbegun}
	r.followers = append(r.followers, f)
	f.moveLocked(0)
	return f
}

// moveLocked moves f on by n bytes, and lets the run know what that means for it.
func (f *Follower) moveLocked(n int64) {
	f.pos += n
	f.r.fastest = max(f.r.fastest, f.pos)
	f.wantLocked()
	if f.r.cfg.Pinned {
		f.r.dropLocked()
	}
	if f.r.cfg.Pinned || f.r.paused {
		f.r.wakeLocked() // the run may wait for its slowest follower, or for its fastest
	}
}

// Skip moves the follower on by n bytes that it has got elsewhere.
func (f *Follower) Skip(n int64) {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	f.moveLocked(n)
}

// Waiting returns one for whom r is followed that wants bytes from off on, and where it stops. That
// is first, if it wants some, else the one that wants most, and nil if nobody does.
func (r *Run) Waiting(off int64, first any) (who any, stop int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.followers {
		switch {
		case f.stop <= off || f.who == nil:
		case f.who == first:
			return first, f.stop
		case f.stop > stop:
			who, stop = f.who, f.stop
		}
	}
	return who, stop
}

// Stop makes f want nothing from stop on.
func (f *Follower) Stop(stop int64) {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	f.stop = stop
}

// wantLocked asks the run to read on as far as f needs.
func (f *Follower) wantLocked() {
	want := int64(Everything)
	if f.ahead < Everything-f.pos {
		// Whole chunks only: part of one would have to be fetched again.
		want = f.r.cfg.Content.Next(min(f.pos+f.ahead, f.stop) - 1)
	}
	if f.r.cfg.Content.Transient() {
		want = min(want, f.stop)
	}
	if want > f.r.want {
		f.r.want = want
		f.r.wakeLocked()
	}
}

// Opened waits until the run's body is open, or can't be opened: where f is unbegun, for now.
func (f *Follower) Opened(ctx context.Context) error {
	r := f.r
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.opened && !r.done && (f.begun || r.fails == nil) {
		if _, err := r.waitLocked(ctx, nil); err != nil {
			return err
		}
	}
	switch {
	case r.opened:
		f.begun = true
		return nil
	case r.done:
		return r.err
	}
	return r.fails
}

// driveLocked has the body read on in f's place, if it is.
func (f *Follower) driveLocked(ctx context.Context, wait func()) (drove bool) {
	if !f.Drives() {
		return false
	}
	f.r.mu.Unlock()
	defer f.r.mu.Lock()
	f.goOn(ctx, wait)
	return true
}

// begunLocked reports whether r has a follower that isn't Unbegun.
func (r *Run) begunLocked() bool {
	return slices.ContainsFunc(r.followers, func(f *Follower) bool { return f.begun })
}

// Next returns the bytes that have come at the follower's position, at least one, and moves the
// position past them. They are immutable; if Lent, only until the next call of Next or Close. If
// limit isn't nil, it is told how many there are, with the run locked, and says how many are
// wanted; the follower stays before the others. Next waits for them, after a call of wait if that
// isn't nil. At the end of the run, or at the follower's stop, the error is io.EOF; if the run
// failed, its error; if the run dropped the bytes, ErrBehind; if ctx ends, its cause.
func (f *Follower) Next(ctx context.Context, wait func(), limit func(n int) int) ([]byte, error) {
	r := f.r
	r.mu.Lock()
	defer r.mu.Unlock()
	f.releaseLocked()
	waited := wait == nil
	once := func() {
		if !waited {
			waited = true
			wait()
		}
	}
	for {
		switch {
		case f.pos >= f.stop:
			return nil, io.EOF
		case f.pos < r.base:
			return nil, ErrBehind
		case f.pos < r.pos:
			p := r.segmentLocked(f.pos)
			b := p.view(f.pos, f.stop)
			f.lent = p.lent.use()
			if limit != nil {
				b = b[:min(len(b), limit(len(b)))]
				b = b[:len(b):len(b)]
			}
			f.moveLocked(int64(len(b)))
			return b, nil
		case r.done && r.err != nil:
			return nil, r.err
		case r.done || r.end >= 0 && f.pos >= r.end && !r.extensibleLocked():
			return nil, io.EOF
		}
		if f.driveLocked(ctx, once) {
			continue
		}
		if !waited {
			r.mu.Unlock()
			once()
			r.mu.Lock()
			continue
		}
		if _, err := r.waitLocked(ctx, nil); err != nil {
			return nil, err
		}
	}
}

// Await waits until bytes have come at the follower's position, no longer than d, and reports
// whether some have. The error is the run's if it has failed before that, or ctx's cause if that
// ends. What else keeps them from coming, Next tells.
func (f *Follower) Await(ctx context.Context, d time.Duration) (come bool, err error) {
	r := f.r
	r.mu.Lock()
	defer r.mu.Unlock()
	var late <-chan time.Time
	for ticked := false; f.pos >= r.pos && !ticked; {
		if r.done {
			return false, r.err
		}
		if f.driveLocked(ctx, func() {}) { // which has the first bytes
			continue
		}
		if late == nil {
			late = time.After(d)
		}
		if ticked, err = r.waitLocked(ctx, late); err != nil {
			return false, err
		}
	}
	return r.base <= f.pos && f.pos < r.pos, nil
}

// Lent reports whether what Next has returned is of use only until Next or Close is called.
func (f *Follower) Lent() bool { return f.lent != nil }

func (f *Follower) releaseLocked() {
	f.lent.release()
	f.lent = nil
}

// segmentLocked is the chunk at off, some of which has come.
func (r *Run) segmentLocked(off int64) segment {
	after := func(i int) bool { return r.segments[i].off > off }
	return r.segments[sort.Search(len(r.segments), after)-1]
}

// view returns what has come of p from off on, up to stop.
func (p segment) view(off, stop int64) []byte {
	end := min(int64(len(p.b)), stop-p.off)
	return p.b[off-p.off : end : end]
}

// Close leaves the run, which goes on for a while, unless its bytes aren't kept and nobody else
// follows it.
func (f *Follower) Close() {
	f.Release()
	r := f.r
	r.mu.Lock()
	defer r.mu.Unlock()
	f.releaseLocked()
	i := slices.Index(r.followers, f)
	if i < 0 {
		return
	}
	r.followers = slices.Delete(r.followers, i, i+1)
	r.wakeLocked()
	r.dropLocked()
	if len(r.followers) == 0 && !r.done {
		r.leftLocked()
	}
}

// leftLocked settles how long the run goes on now that nobody follows it.
func (r *Run) leftLocked() {
	switch {
	case r.completeLocked() && !r.extensibleLocked():
	case r.overflow, r.cfg.Content.Transient(), r.cfg.Alone > 0 && r.end < 0:
		r.abandonLocked()
	default:
		r.beginAloneLocked()
	}
}

func (r *Run) beginAloneLocked() {
	if r.cfg.Alone > 0 {
		r.left++
		r.leftAt = time.Now()
		r.aloneLocked()
	}
}

// aloneLocked ends the run, which nobody follows, if its time is up or its origin is slow; else it
// looks again later.
func (r *Run) aloneLocked() {
	remains := r.cfg.Alone - time.Since(r.leftAt)
	if remains <= 0 || r.slowLocked() {
		r.abandonLocked()
		return
	}
	stop(r.alone)
	r.alone = time.AfterFunc(min(remains, evidence), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.followers) == 0 && !r.done && r.err == nil && !r.completeLocked() {
			r.aloneLocked()
		}
	})
}

// slowLocked reports whether what a run on its own is yet to read would take longer than Brief.
func (r *Run) slowLocked() bool {
	if r.cfg.Brief == 0 || r.cfg.Awaited && r.left == 1 {
		return false
	}
	return r.pace.exceeds(min(r.want, r.end)-r.pos, r.cfg.Brief)
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

// abandonLocked ends the run where it is. Nobody can join it from now on.
func (r *Run) abandonLocked() {
	r.err = ErrAbandoned
	if r.cancel != nil { // else it hasn't begun to read, and won't
		r.cancel()
	}
}
