package fill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestAllIsPushed: of a body that tells its length by its end, the last chunk too, if it has any
// bytes.
func TestAllIsPushed(t *testing.T) {
	for n, want := range map[int64]string{0: "[]", 1: "[0+1]", 4: "[0+4]", 5: "[0+4 4+1]",
		16: "[0+4 4+4 8+8]", 17: "[0+4 4+4 8+8 16+1]"} {
		synctest.Test(t, func(t *testing.T) {
			body := newScript(t.Context())
			r, rec := start(t, setup{End: -1, Body: body, Hold: 1 << 10})
			follow(t, r, 0, Everything, Everything)
			if n > 0 {
				body.send <- content(0, n)
			}
			body.fail <- io.EOF
			<-rec.done
			if got := fmt.Sprint(rec.chunks); got != want || rec.end != n || rec.err != nil {
				t.Errorf("of %d bytes it pushed %s, want %s; ended at %d with %v", n, got, want,
					rec.end, rec.err)
			}
			if s := r.Span(); s.Pos != n || len(r.segments) > 0 && r.lastLocked().end() != n {
				t.Errorf("%d bytes: it holds %+v", n, s)
			}
		})
	}
}

// TestEndedRunKeepsWhatIsToBeRead: of what an ended pinned run holds, it gives up what all
// followers have read, and the rest when they leave.
func TestEndedRunKeepsWhatIsToBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		var reserved atomic.Int64
		r, rec := start(t, setup{End: 48, Body: body, Hold: 1 << 10, Pinned: true, Free: 8,
			Reserve: func(n int64) bool { reserved.Add(n); return true },
			Release: func(n int64) { reserved.Add(-n) }})
		fast, slow := follow(t, r, 0, 48, Everything), follow(t, r, 0, 48, Everything)
		body.send <- content(0, 48)
		expect(t, fast, 0, 48)
		<-rec.done
		synctest.Wait()
		if s := r.Span(); s.Base != 0 || reserved.Load() != 40 {
			t.Errorf("before it is read it holds %+v, %d bytes of the account", s, reserved.Load())
		}
		expect(t, slow, 0, 16)
		if s := r.Span(); s.Base != 16 || reserved.Load() != 24 {
			t.Errorf("when 16 bytes are read it holds %+v, %d bytes of the account", s,
				reserved.Load())
		}
		slow.Close()
		fast.Close()
		if n := reserved.Load(); n != 0 || len(r.segments) > 0 {
			t.Errorf("when it is left it holds %d chunks, %d bytes of the account", len(r.segments),
				n)
		}
	})
}

// TestLeftRunHoldsNothing: what is pushed of an unpinned run stays for followers only.
func TestLeftRunHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, _ := start(t, setup{End: 96, Body: body, Hold: 1 << 10})
		f := follow(t, r, 0, 96, Everything)
		body.send <- content(0, 40)
		expect(t, f, 0, 40)
		synctest.Wait()
		if s := r.Span(); s.Base != 0 {
			t.Errorf("followed, it holds %+v", s)
		}
		f.Close()
		if s := r.Span(); s.Base != 32 || s.Pos != 40 { // one chunk is growing
			t.Errorf("left, it holds %+v", s)
		}
	})
}

// TestIdleTimeBeginsAnew when a paused run is left once more.
func TestIdleTimeBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idle := func() time.Duration { return time.Minute }
		r, rec := start(t, setup{Start: 16, End: 160, Want: 32, Body: newScript(t.Context()),
			Hold: 1 << 10, Idle: idle})
		r.cfg.Body.(*script).send <- content(16, 32)
		<-time.After(50 * time.Second)
		f := follow(t, r, 32, 32, 1) // wants no more than there is
		<-time.After(50 * time.Second)
		left := time.Now()
		f.Close()
		<-rec.done
		if got := time.Since(left); got != time.Minute || rec.end != 32 {
			t.Errorf("ended %v after it was left, at %d", got, rec.end)
		}
	})
}

// TestTransientRunEndsWhenItIsLeft, and a run that fails gives back all room.
func TestTransientRunEndsWhenItIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		var room atomic.Int64
		r, rec := start(t, setup{End: 96, Body: body, Hold: 1 << 10,
			Transient: func() bool { return true },
			Spare:     func(_ context.Context, size int64) bool { room.Add(size); return true },
			Give:      func(held, keep int64) { room.Add(keep - held) }})
		f := follow(t, r, 0, 96, Everything)
		body.send <- content(0, 40)
		expect(t, f, 0, 40)
		f.Close()
		<-rec.done
		synctest.Wait()
		if !errors.Is(rec.err, ErrAbandoned) || room.Load() != 0 {
			t.Errorf("ended with %v, and room for %d bytes", rec.err, room.Load())
		}
	})
}

// TestDoneComesAfterExtend: nothing of the run goes on when it is done.
func TestDoneComesAfterExtend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, returned := newScript(t.Context()), atomic.Bool{}
		r, rec := start(t, bordered(body, func(ctx context.Context, end int64) int64 {
			<-ctx.Done()
			<-time.After(time.Second)
			returned.Store(true)
			return end
		}))
		follow(t, r, 0, 96, Everything)
		body.send <- content(0, 20)
		synctest.Wait()
		body.fail <- io.ErrUnexpectedEOF
		<-rec.done
		if !returned.Load() {
			t.Error("Extend is still being asked")
		}
	})
}
