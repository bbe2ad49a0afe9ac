package fill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// A run that loses its connection is resumed at most this often with less than a chunk gained each
// time.
const resumes = 4

// run reads the body to the run's end, lets the last chunks be pushed, and tells Done and the
// followers.
func (r *Run) run(ctx context.Context, othersWait bool) {
	p := &pusher{r: r, yields: othersWait}
	err := r.read(ctx, p)
	r.mu.Lock()
	pos := r.pos
	if r.err == nil {
		r.err = err // from here on, nobody can join a run that has failed
	}
	err = r.err
	r.mu.Unlock()
	p.end()
	r.cancel() // Extend may still be being asked
	r.work.Wait()
	r.cfg.Content.Done(pos, err)
	r.mu.Lock()
	r.done = true
	if err == nil && r.end < 0 {
		r.end = pos // not before Done: who sees the end must be able to find what it means
	}
	r.wakeLocked()
	r.giveLocked(r.taken, 0)
	r.dropLocked()
	stop(r.alone)
	r.mu.Unlock()
}

// pusher hands finished chunks on, off the reading loop, which a slow taker must not hold up. It
// has a goroutine for that once a chunk has been read that more is to come after.
type pusher struct {
	r      *Run
	queue  chan segment // without room, so that no more than one waits; nil without a goroutine
	yields bool         // to followers
}

// push hands p on, in its turn. If it is the last one, it waits until p has been taken.
func (q *pusher) push(p segment, last bool) {
	if p.lent != nil || q.queue == nil && q.r.place.Attached() {
		q.r.push(p)
		return
	}
	if q.queue == nil && last {
		if q.yields {
			runtime.Gosched() // the followers come first: they have all they wait for
		}
		q.r.push(p)
		return
	}
	if q.queue == nil {
		q.queue = make(chan segment)
		q.r.work.Go(func() {
			for p := range q.queue {
				q.r.push(p)
			}
		})
	}
	q.queue <- p
}

func (q *pusher) end() {
	if q.queue != nil {
		close(q.queue)
	}
}

func (r *Run) push(p segment) {
	r.mu.Lock()
	overflow := r.overflow
	r.mu.Unlock()
	if !overflow && p.lent == nil {
		r.cfg.Content.Push(p.off, p.b)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pushed = p.end()
	r.giveLocked(p.took, 0)
	r.dropLocked()
}

// read reads bodies, one after the other where connections are lost, up to the run's end.
func (r *Run) read(ctx context.Context, q *pusher) (err error) {
	body := r.cfg.Body
	defer func() {
		if body != nil {
			_ = body.Close() // what it held beyond the run's end goes with its connection
		}
	}()
	defer recovered("read the origin's body", &err)
	if body == nil && !r.complete() {
		if body, err = r.open(ctx, 0); err != nil {
			return err
		}
	}
	for tries := 0; ; tries++ {
		from := r.Span().Pos
		lost := r.copy(ctx, body, q)
		if lost == nil || r.complete() { // the last byte may come together with an error
			return nil
		}
		// no more than that was to come
		if pos := r.Span().Pos; pos >= r.cfg.Content.Next(from) || pos >= r.bodyEnd {
			tries = 0
		}
		if !r.cfg.Resumes || tries >= resumes || ctx.Err() != nil ||
			errors.Is(lost, ErrAbandoned) || errors.Is(lost, ErrFinal) {
			return lost
		}
		_ = body.Close()
		r.place.Detach()
		if body, err = r.open(ctx, tries); err != nil {
			return errors.Join(lost, err)
		}
	}
}

// recovered is to be deferred. It makes an error of a panic of what is someone else's code: such a
// panic mustn't take the process with it.
func recovered(what string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: panic: %v\n%s", what, p, debug.Stack())
	}
}

// complete reports whether all is read, as far as that is known.
func (r *Run) complete() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.completeLocked()
}

func (r *Run) completeLocked() bool { return r.end >= 0 && r.pos >= r.end }

// open opens the body where the run stands, after a pause that grows with tries.
func (r *Run) open(ctx context.Context, tries int) (Body, error) {
	for ; ; tries++ {
		if tries > 0 {
			select {
			case <-time.After(50 * time.Millisecond << tries):
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		r.mu.Lock()
		pos, end := r.pos, r.end
		if end >= 0 && r.cfg.Margin > 0 && (r.cfg.Beyond || r.wantedBeyondLocked()) {
			end = -1
		}
		r.mu.Unlock()
		opened, err := r.cfg.Content.Open(ctx, pos, end)
		if err == nil {
			r.mu.Lock()
			r.opened, r.bodyEnd, r.fails = true, opened.End, nil
			if r.end < 0 {
				r.end = opened.Length // from now on, an early end can be told
			}
			r.wakeLocked()
			r.mu.Unlock()
			return opened.Body, nil
		}
		if errors.Is(err, ErrGone) || errors.Is(err, ErrFinal) || tries >= resumes ||
			ctx.Err() != nil || !r.triesOn(err) {
			return nil, err
		}
	}
}

// triesOn notes that attempts to open the body fail, and reports whether someone is to wait for
// more of them. If not, nobody can follow r any more.
func (r *Run) triesOn(err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails = err
	r.wakeLocked()
	on := r.opened || r.begunLocked()
	if !on {
		r.err = cmp.Or(r.err, err)
	}
	return on
}

// copy reads body into the run's chunks until the run's end (nil) or until body fails.
func (r *Run) copy(ctx context.Context, body Body, q *pusher) error {
	for {
		room, err := r.room(ctx)
		if err != nil || room == nil {
			return err
		}
		n, err := body.Read(room)
		p, err := r.grow(ctx, room[:n], err)
		if len(p.b) > 0 {
			q.push(p, err != nil || r.complete())
		}
		if n > 0 && err == nil && r.place.Attached() && !r.complete() {
			r.place.turn(r.Span().Pos - r.cfg.Start)
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// room returns the memory to read into next, nil at the run's end. It waits until someone wants
// more, and until there is place for it.
func (r *Run) room(ctx context.Context) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.extendLocked(ctx); err != nil {
		return nil, err
	}
	if err := r.pauseLocked(ctx); err != nil {
		return nil, err
	}
	if r.completeLocked() {
		return nil, nil
	}
	if len(r.segments) == 0 || r.lastLocked().whole() {
		if err := r.placeLocked(ctx); err != nil {
			return nil, err
		}
		p := r.newSegmentLocked(ctx)
		if r.completeLocked() {
			return nil, nil
		}
		r.segments = append(r.segments, p)
	}
	r.pace.begin()
	room := r.place.atOnce(r.memoryLocked())
	if r.end >= 0 && int64(len(room)) > r.end-r.pos { // the end has become known in mid-chunk
		room = room[:r.end-r.pos]
	}
	return room, nil
}

// extendLocked has the run read on beyond its end, if it is near there, someone wants that, and
// Extend says so. At the end itself it waits for what Extend says.
func (r *Run) extendLocked(ctx context.Context) error {
	for r.extensibleLocked() && r.pos >= r.end-r.cfg.Margin {
		if !r.extending {
			if !r.wantedBeyondLocked() {
				return nil
			}
			r.extending = true
			end := r.end
			r.work.Go(func() { r.extend(ctx, end) })
		}
		if r.pos < r.end {
			return nil
		}
		if _, err := r.pauseReadingLocked(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// extensibleLocked reports whether the run may yet read on beyond its end.
func (r *Run) extensibleLocked() bool {
	return r.cfg.Margin > 0 && r.end >= 0 && min(r.bodyEnd, r.most) > r.end
}

// extend does what Extend says; a panic in it means no.
func (r *Run) extend(ctx context.Context, end int64) {
	to := end
	defer func() {
		_ = recover() // after a panic, to is end still
		r.mu.Lock()
		defer r.mu.Unlock()
		r.extending = false
		if to = min(to, r.most); r.end == end && to > end {
			r.end = to
		} else {
			r.most = r.end
		}
		r.wakeLocked()
	}()
	to = r.cfg.Content.Extend(ctx, end)
}

// wantedBeyondLocked reports whether any follower wants bytes from the run's end on.
func (r *Run) wantedBeyondLocked() bool {
	return slices.ContainsFunc(r.followers, func(f *Follower) bool { return f.stop > r.end })
}

// limitLocked is where the run pauses: at the end of a chunk.
func (r *Run) limitLocked() int64 {
	ahead := r.cfg.Content.Ahead()
	if ahead == Everything || len(r.followers) == 0 {
		return r.want
	}
	return min(r.want, r.cfg.Content.Next(r.fastest+max(ahead, 1)-1))
}

// pauseLocked waits while no one wants more. A run that is left alone for long ends where it is: at
// the end of a chunk.
func (r *Run) pauseLocked(ctx context.Context) error {
	defer func() { r.paused = false }()
	var idle <-chan time.Time
	for r.pos >= r.limitLocked() && !r.completeLocked() {
		r.paused = true
		switch {
		case len(r.followers) > 0:
			idle = nil
		case idle == nil:
			idle = time.After(r.cfg.Content.Idle())
		}
		ticked, err := r.pauseReadingLocked(ctx, idle)
		if err != nil {
			return err
		}
		if ticked && len(r.followers) == 0 && r.pos >= r.want {
			r.endLocked(r.pos)
		}
	}
	return nil
}

// grow publishes b, which was read into room together with err. It returns the chunk if it is whole
// by now, as the last one is where the body tells the run's end. The error is io.EOF if the run is
// at its end with the body, and a loss if the body has ended before.
func (r *Run) grow(ctx context.Context, b []byte, err error) (segment, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.keepLocked(ctx, b); err != nil {
		return segment{}, err
	}
	last := r.lastLocked()
	last.b = last.b[:len(last.b)+len(b)]
	r.pos += int64(len(b))
	atEnd := err == io.EOF && r.end < 0
	switch {
	case len(last.b) == 0 && atEnd:
		last.lent.release()
		r.segments = r.segments[:len(r.segments)-1]
		return segment{}, err
	case r.pos == r.end || atEnd:
		last.trim()
	}
	if len(b) > 0 {
		r.wakeLocked()
	}
	whole := *last
	if whole.whole() {
		r.small = nil
	} else {
		whole = segment{}
	}
	if err == io.EOF && r.pos < r.end {
		if !r.cfg.Content.Stops(r.pos) {
			return whole, fmt.Errorf("%w: at byte %d of %d", errShort, r.pos, r.end)
		}
		r.endLocked(r.pos)
	}
	return whole, err
}

// endLocked makes the run end at off for good.
func (r *Run) endLocked(off int64) { r.end, r.most = off, off }
