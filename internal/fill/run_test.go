package fill

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Chunks of the tests: 4, 4, 8, 16, 16, …
func next(off int64) int64 {
	for _, end := range []int64{4, 8, 16} {
		if off < end {
			return end
		}
	}
	return (off/16 + 1) * 16
}

// script is a body whose pieces the test sends, or whose error.
type script struct {
	ctx    context.Context
	send   chan []byte
	fail   chan error
	rest   []byte
	closed chan struct{}
	once   sync.Once
}

func newScript(ctx context.Context) *script {
	return &script{ctx: ctx, send: make(chan []byte), fail: make(chan error), closed: make(chan struct{})}
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		select {
		case s.rest = <-s.send:
		case err := <-s.fail:
			return 0, err
		case <-s.ctx.Done():
			return 0, context.Cause(s.ctx)
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *script) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// content is what representations consist of.
func content(start, end int64) []byte {
	b := make([]byte, end-start)
	for i := range b {
		b[i] = byte((start + int64(i)) * 7)
	}
	return b
}

// record notes what a run tells.
type record struct {
	mu     sync.Mutex
	chunks []string
	end    int64
	err    error
	done   chan struct{}
}

func (r *record) push(off int64, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !bytes.Equal(b, content(off, off+int64(len(b)))) || len(b) != cap(b) {
		r.chunks = append(r.chunks, "wrong bytes or capacity")
	}
	r.chunks = append(r.chunks, fmt.Sprintf("%d+%d", off, len(b)))
}

func (r *record) finished(end int64, err error) {
	r.end, r.err = end, err
	close(r.done)
}

func start(t *testing.T, cfg Config) (*Run, *record) {
	t.Helper()
	rec := &record{done: make(chan struct{})}
	cfg.Next, cfg.Done = next, rec.finished
	cfg.Push = rec.push
	if cfg.Want == 0 {
		cfg.Want = Everything
	}
	r := New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	if body, ok := cfg.Body.(*script); ok {
		body.ctx = ctx // as an origin's body ends with the context of its request
	}
	r.Start(ctx, cancel)
	return r, rec
}

func follow(t *testing.T, r *Run, off, stop, ahead int64) *Follower {
	t.Helper()
	f, ok := r.Follow(off, stop, ahead)
	if !ok {
		t.Fatalf("the run, at %+v, can't be followed at %d", r.Span(), off)
	}
	t.Cleanup(f.Close)
	return f
}

// expect reads from f exactly the bytes [start, end) of content.
func expect(t *testing.T, f *Follower, start, end int64) {
	t.Helper()
	var got []byte
	for int64(len(got)) < end-start {
		b, err := f.Next(t.Context(), nil, nil)
		if err != nil {
			t.Fatalf("at %d: %v", start+int64(len(got)), err)
		}
		got = append(got, b...)
	}
	if !bytes.Equal(got, content(start, end)) {
		t.Fatalf("bytes [%d, %d) are wrong", start, end)
	}
}

func expectEOF(t *testing.T, f *Follower) {
	t.Helper()
	if b, err := f.Next(t.Context(), nil, nil); err != io.EOF {
		t.Fatalf("got %d bytes and %v, want EOF", len(b), err)
	}
}

func TestFollowersGetEachPieceAsItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, Config{End: 40, Body: body, Holding: Holding{Hold: 64}})
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
		if got, want := fmt.Sprint(rec.chunks), "[0+4 4+4 8+8 16+16 32+8]"; got != want || rec.err != nil || rec.end != 40 {
			t.Errorf("pushed %s, want %s; end %d, %v", got, want, rec.end, rec.err)
		}
	})
}

func TestUnknownLength(t *testing.T) {
	for _, n := range []int64{0, 1, 3, 4, 5, 16, 17, 33} {
		synctest.Test(t, func(t *testing.T) {
			body := newScript(t.Context())
			r, rec := start(t, Config{End: -1, Body: body, Holding: Holding{Hold: 1 << 10, Pinned: true}})
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

func TestShortBodyIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, Config{End: 40, Body: body, Holding: Holding{Hold: 1 << 10}})
		f := follow(t, r, 0, 40, Everything)
		body.send <- content(0, 5)
		expect(t, f, 0, 5)
		body.fail <- io.EOF
		if _, err := f.Next(t.Context(), nil, nil); !errors.Is(err, errShort) {
			t.Errorf("follower got %v", err)
		}
		<-rec.done
		if !errors.Is(rec.err, errShort) || rec.end != 5 {
			t.Errorf("ended at %d with %v", rec.end, rec.err)
		}
		if _, ok := r.Follow(5, 40, 1); ok {
			t.Error("a failed run can be followed")
		}
	})
}

func TestLostConnectionIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newScript(t.Context()), newScript(t.Context())
		opened := []int64{}
		r, rec := start(t, Config{End: 40, Body: first, Holding: Holding{Hold: 1 << 10}, Open: func(_ context.Context, off, end int64) (Opened, error) {
			opened = append(opened, off, end)
			if len(opened) == 2 {
				return Opened{}, errors.New("refused") // then again, after a pause
			}
			return Opened{second, Everything, 40}, nil
		}})
		f := follow(t, r, 0, 40, Everything)
		first.send <- content(0, 5)
		first.fail <- io.ErrUnexpectedEOF
		<-first.closed
		second.send <- content(5, 40)
		expect(t, f, 0, 40)
		<-rec.done
		if rec.err != nil || fmt.Sprint(opened) != "[5 40 5 40]" {
			t.Errorf("opened %v, ended with %v", opened, rec.err)
		}
	})
}

// TestResumeTellsTheLength: once a length is known, a part that ends early isn't the end.
func TestResumeTellsTheLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies := []*script{newScript(t.Context()), newScript(t.Context()), newScript(t.Context())}
		opened := 0
		r, rec := start(t, Config{End: -1, Body: bodies[0], Holding: Holding{Hold: 1 << 10}, Open: func(context.Context, int64, int64) (Opened, error) {
			opened++
			return Opened{bodies[opened], Everything, 30}, nil
		}})
		f := follow(t, r, 0, Everything, Everything)
		bodies[0].send <- content(0, 18)
		bodies[0].fail <- io.ErrUnexpectedEOF
		bodies[1].send <- content(18, 25)
		bodies[1].fail <- io.EOF
		bodies[2].send <- content(25, 40) // more than there is
		expect(t, f, 0, 30)
		expectEOF(t, f)
		<-rec.done
		if rec.err != nil || rec.end != 30 || fmt.Sprint(rec.chunks) != "[0+4 4+4 8+8 16+14]" {
			t.Errorf("ended at %d with %v; pushed %v", rec.end, rec.err, rec.chunks)
		}
	})
}

func TestResumeEndsWhenTheRestIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		opens := 0
		r, rec := start(t, Config{End: 40, Body: body, Holding: Holding{Hold: 1 << 10}, Open: func(context.Context, int64, int64) (Opened, error) {
			opens++
			return Opened{}, fmt.Errorf("etag differs: %w", ErrGone)
		}})
		f := follow(t, r, 0, 40, Everything)
		body.fail <- io.ErrUnexpectedEOF
		if _, err := f.Next(t.Context(), nil, nil); !errors.Is(err, ErrGone) {
			t.Errorf("follower got %v", err)
		}
		<-rec.done
		if opens != 1 {
			t.Errorf("%d attempts for what is gone", opens)
		}
	})
}

func TestEndlessLossEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opens := 0
		_, rec := start(t, Config{End: 40, Holding: Holding{Hold: 1 << 10}, Open: func(ctx context.Context, _, _ int64) (Opened, error) {
			opens++
			body := newScript(ctx)
			go func() { body.fail <- io.ErrUnexpectedEOF }()
			return Opened{body, Everything, 40}, nil
		}})
		<-rec.done
		if rec.err == nil || opens > 2*resumes {
			t.Errorf("%d opens, %v", opens, rec.err)
		}
	})
}

func TestWindowPausesWidensAndClosesWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, Config{Start: 16, End: 160, Want: 16, Body: body, Holding: Holding{Hold: 1 << 10}, Leaving: Leaving{Idle: func() time.Duration { return time.Minute }}})
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
		body.send <- content(32, 48) // having read on, it wants up to 36 at least, so the chunk [32, 48)
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
		if _, ok := r.Follow(48, 50, 1); ok {
			t.Error("an ended run can be followed where it has nothing")
		}
	})
}

func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, Config{End: 160, Body: body, Holding: Holding{Hold: 1 << 10}})
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
		r, _ := start(t, Config{End: 160, Body: body, Holding: Holding{Hold: 16}})
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
		r, rec := start(t, Config{End: -1, Body: body, Holding: Holding{Hold: 32, Pinned: true, Overflow: func() { close(overflowed) }}})
		slow, fast := follow(t, r, 0, Everything, Everything), follow(t, r, 0, Everything, Everything)
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
		if _, ok := r.Follow(0, Everything, Everything); ok {
			t.Error("a joiner is taken though the first byte is gone")
		}
		slow.Close() // harms no one
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
		r, _ := start(t, Config{End: 40, Body: body, Holding: Holding{Hold: 1 << 10}})
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

func TestOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan error)
		opener := func(ctx context.Context, _, _ int64) (Opened, error) {
			if err := <-release; err != nil {
				return Opened{}, err
			}
			return Opened{newScript(ctx), Everything, 40}, nil
		}
		r, _ := start(t, Config{End: 40, Holding: Holding{Hold: 1 << 10}, Open: opener})
		f := follow(t, r, 0, 40, Everything)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.Opened(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("not yet open: %v", err)
		}
		release <- nil
		if err := f.Opened(t.Context()); err != nil {
			t.Errorf("open: %v", err)
		}
		gone, _ := start(t, Config{End: 40, Holding: Holding{Hold: 1 << 10}, Open: opener})
		f = follow(t, gone, 0, 40, Everything)
		release <- ErrGone
		if err := f.Opened(t.Context()); !errors.Is(err, ErrGone) {
			t.Errorf("gone: %v", err)
		}
	})
}

func TestPanicOfTheBodyEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rec := start(t, Config{End: 40, Holding: Holding{Hold: 1 << 10}, Body: panicking{}})
		<-rec.done
		if rec.err == nil {
			t.Error("no error")
		}
	})
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("bug") }
func (panicking) Close() error             { return nil }

// TestLastByteWithAnError: what is complete is complete, however the connection ends; and nothing
// is asked for again.
func TestLastByteWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rec := start(t, Config{End: 6, Holding: Holding{Hold: 1 << 10}, Body: &abrupt{content(0, 6)}, Open: func(_ context.Context, off, end int64) (Opened, error) {
			t.Errorf("[%d, %d) is asked for", off, end)
			return Opened{}, ErrGone
		}})
		<-rec.done
		if rec.err != nil || rec.end != 6 {
			t.Errorf("ended at %d with %v", rec.end, rec.err)
		}
	})
}

// abrupt gives its bytes together with an error.
type abrupt struct{ b []byte }

func (a *abrupt) Read(p []byte) (int, error) {
	n := copy(p, a.b)
	if a.b = a.b[n:]; len(a.b) > 0 {
		return n, nil
	}
	return n, io.ErrUnexpectedEOF
}

func (a *abrupt) Close() error { return nil }

// TestStalledBodyHoldsWhatHasCome: where room is scarce, a chunk has room once its bytes come, none
// while they don't but for those that have, and is pushed as one all the same. What followers have
// of it stays as it is.
func TestStalledBodyHoldsWhatHasCome(t *testing.T) {
	for _, firm := range []bool{false, true} {
		for _, end := range []int64{48, 43} {
			synctest.Test(t, func(t *testing.T) {
				body := newScript(t.Context())
				var took []string
				var held atomic.Int64 // room is given back while more is taken
				r, rec := start(t, Config{Start: 16, End: end, Body: body, Holding: Holding{Hold: 1 << 10},
					Room: Room{Spare: func(context.Context, int64) bool { return false }, Take: func(_ context.Context, had, size int64) (bool, error) {
						took = append(took, fmt.Sprintf("%d/%d", had, size))
						held.Add(size - had)
						return firm, nil
					}, Give: func(had, keep int64) { held.Add(keep - had) }}})
				holds := func(want int64) {
					t.Helper()
					if synctest.Wait(); held.Load() != want {
						t.Errorf("the run has room for %d, want %d; it took %v", held.Load(), want, took)
					}
				}
				early, late := follow(t, r, 16, end, Everything), follow(t, r, 16, end, Everything)
				<-time.After(time.Hour)
				holds(0)
				if r.Cut(20) {
					t.Error("cut within a chunk that is being read")
				}
				body.send <- content(16, 19)
				expect(t, early, 16, 19)
				holds(16)
				<-time.After(stallTime / 2)
				holds(16)
				body.send <- content(19, 20)
				<-time.After(stallTime)
				want := fmt.Sprintf("[0/16 4/16 0/%d]", end-32)
				if firm {
					want = fmt.Sprintf("[0/16 0/%d]", end-32)
					holds(16)
				} else {
					holds(4)
				}
				body.send <- content(20, end)
				expect(t, early, 19, end)
				expect(t, late, 16, end)
				<-rec.done
				holds(0)
				if got := fmt.Sprint(took); got != want {
					t.Errorf("took %s, want %s", got, want)
				}
				if got, want := fmt.Sprint(rec.chunks), fmt.Sprintf("[16+16 32+%d]", end-32); got != want || rec.err != nil {
					t.Errorf("pushed %s, want %s; %v", got, want, rec.err)
				}
			})
		}
	}
}
