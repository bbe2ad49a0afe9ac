package fill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestFollowersGetEachPieceAsItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, setup{End: 40, Body: body, Hold: 64})
		var all []*Follower
		for _, cut := range [][2]int64{{0, 1}, {1, 5}, {5, 6}, {6, 40}} {
			f := follow(t, r, 0, Everything, Everything)
			expect(t, f, 0, cut[0]) // one who joins midway begins at byte 0
			all = append(all, f)
			body.send <- content(cut[0], cut[1])
			for _, f := range all {
				expect(t, f, cut[0], cut[1])
			}
			if cut[1] < 8 && r.Span().Base != 0 {
				t.Fatal("bytes were dropped that the run is to hold")
			}
		}
		for _, f := range all {
			expectEOF(t, f)
		}
		<-rec.done
		<-body.closed
		if got, want := fmt.Sprint(rec.chunks), "[0+4 4+4 8+8 16+16 32+8]"; got != want ||
			rec.err != nil || rec.end != 40 {
			t.Errorf("pushed %s, want %s; end %d, %v", got, want, rec.end, rec.err)
		}
	})
}

func TestUnknownLength(t *testing.T) {
	for _, n := range []int64{0, 1, 3, 4, 5, 16, 17, 33} {
		synctest.Test(t, func(t *testing.T) {
			body := newScript(t.Context())
			r, rec := start(t, setup{End: -1, Body: body, Hold: 1 << 10, Pinned: true})
			f := follow(t, r, 0, Everything, Everything)
			if n > 0 {
				body.send <- content(0, n)
			}
			expect(t, f, 0, n)
			body.fail <- io.EOF
			expectEOF(t, f)
			<-rec.done
			if rec.end != n || rec.err != nil {
				t.Errorf("a body of %d bytes ended at %d, %v", n, rec.end, rec.err)
			}
		})
	}
}

func TestWindowPausesWidensAndClosesWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, setup{Start: 16, End: 160, Want: 16, Body: body, Hold: 1 << 10,
			Idle: func() time.Duration { return time.Minute }})
		synctest.Wait()
		select {
		case body.send <- content(16, 17):
			t.Fatal("the run reads though no one wants anything")
		default:
		}
		f := follow(t, r, 20, 40, 4) // wants [20, 24): its chunk is [16, 32)
		body.send <- content(16, 32)
		expect(t, f, 20, 32)
		synctest.Wait()
		// having read on, it wants up to 36 at least, so the chunk [32, 48)
		body.send <- content(32, 48)
		expect(t, f, 32, 40)
		expectEOF(t, f)
		<-time.After(time.Hour) // a follower that takes its time is not idleness
		synctest.Wait()
		select {
		case <-rec.done:
			t.Fatal("the run ended though it is followed")
		default:
		}
		f.Close()
		left := time.Now()
		<-rec.done
		if idle := time.Since(left); idle != time.Minute || rec.end != 48 || rec.err != nil {
			t.Errorf("ended %v after its last follower left, at %d with %v", idle, rec.end, rec.err)
		}
		<-body.closed
		synctest.Wait() // Done is called a moment before the run is done
		if r.Follow(Wanted{Off: 48, Stop: 50, Ahead: 1}) != nil {
			t.Error("an ended run can be followed where it has nothing")
		}
	})
}

func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, setup{End: 160, Body: body, Hold: 1 << 10})
		f := follow(t, r, 0, 160, Everything)
		body.send <- content(0, 20)
		synctest.Wait()
		for off, want := range map[int64]bool{4: false, 16: false, 160: false} {
			if r.Cut(off) != want {
				t.Errorf("Cut(%d) = %v", off, !want)
			}
		}
		if !r.Cut(48) || r.Cut(64) || !r.Cut(32) {
			t.Error("a run at 20 can be cut at 48, then not at 64, then at 32")
		}
		body.send <- content(20, 40)
		expect(t, f, 0, 32)
		expectEOF(t, f)
		<-rec.done
		if rec.end != 32 || rec.err != nil {
			t.Errorf("ended at %d with %v", rec.end, rec.err)
		}
	})
}

func TestUnpinnedRunDropsWhatIsPushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, _ := start(t, setup{End: 160, Body: body, Hold: 16})
		f := follow(t, r, 0, 160, Everything)
		body.send <- content(0, 100)
		synctest.Wait()
		if s := r.Span(); s.Base == 0 || s.Base > 100-16 {
			t.Errorf("holds [%d, %d)", s.Base, s.Pos)
		}
		if _, err := f.Next(t.Context(), nil, nil); err != ErrBehind {
			t.Errorf("a follower of what was dropped got %v", err)
		}
	})
}

func TestPinnedRunWaitsForItsSlowestFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		overflowed := make(chan struct{})
		r, rec := start(t, setup{End: -1, Body: body, Hold: 32, Pinned: true,
			Overflow: func() { close(overflowed) }})
		slow, fast := follow(t, r, 0, Everything, Everything), follow(t, r, 0, Everything,
			Everything)
		body.send <- content(0, 32)
		expect(t, fast, 0, 32)
		<-overflowed
		synctest.Wait()
		select {
		case body.send <- content(32, 33):
			t.Fatal("the run doesn't wait for its slowest follower")
		default:
		}
		expect(t, slow, 0, 16)
		body.send <- content(32, 48)
		expect(t, fast, 32, 48)
		if r.Follow(Wanted{Stop: Everything, Ahead: Everything}) != nil {
			t.Error("a joiner is taken though the first byte is gone")
		}
		slow.Close() // the other goes on
		body.send <- content(48, 80)
		expect(t, fast, 48, 80)
		fast.Close()
		<-rec.done
		if !errors.Is(rec.err, ErrAbandoned) {
			t.Errorf("left by all, the run ended with %v", rec.err)
		}
		if n := len(rec.chunks); n > 4 {
			t.Errorf("pushed %s: nothing is to be pushed of what can't be kept", rec.chunks[4:])
		}
	})
}

func TestFollowerHeedsItsContextAndAnnouncesWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, _ := start(t, setup{End: 40, Body: body, Hold: 1 << 10})
		f := follow(t, r, 0, 40, Everything)
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("client is gone")
		waits := 0
		_, err := f.Next(ctx, func() { waits++; cancel(gone) }, nil)
		if err != gone || waits != 1 {
			t.Errorf("got %v after %d waits", err, waits)
		}
		body.send <- content(0, 40)
		expect(t, f, 0, 40) // the run has gone on
	})
}
