package fill

import (
	"cmp"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// bordered is a run of [0, 32) out of 96 bytes, at whose borders, 32 bytes apart, extend is asked.
func bordered(body Body, extend func(ctx context.Context, end int64) int64) setup {
	return setup{End: 32, Body: body, Hold: 1 << 10, Extend: extend, Margin: 16, Alone: time.Minute}
}

func TestRunReadsOnAcrossBorders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		var asked []int64
		r, rec := start(t, bordered(body, func(_ context.Context, end int64) int64 {
			asked = append(asked, end)
			return end + 32
		}))
		f := follow(t, r, 0, 96, Everything)
		body.send <- content(0, 96)
		expect(t, f, 0, 96)
		expectEOF(t, f)
		<-rec.done
		if rec.err != nil || rec.end != 96 || len(asked) != 2 {
			t.Errorf("ended at %d with %v; asked at %v", rec.end, rec.err, asked)
		}
	})
}

// TestRunEndsAtItsBorder: where no follower wants more, what comes next is found elsewhere, or
// nothing can come.
func TestRunEndsAtItsBorder(t *testing.T) {
	for name, c := range map[string]struct {
		stop, most int64
		asks       int
	}{"taken over": {96, 0, 1}, "nobody wants more": {32, 0, 0}, "nothing comes": {96, 32, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body, asks := newScript(t.Context()), 0
				cfg := bordered(body, func(_ context.Context, end int64) int64 {
					asks++
					return end
				})
				cfg.Most = c.most
				r, rec := start(t, cfg)
				f := follow(t, r, 0, c.stop, Everything)
				body.send <- content(0, 32)
				expect(t, f, 0, 32)
				expectEOF(t, f)
				<-rec.done
				<-body.closed
				if rec.err != nil || rec.end != 32 || asks != c.asks {
					t.Errorf("ended at %d with %v, asked %d times", rec.end, rec.err, asks)
				}
			})
		})
	}
}

// TestRunWaitsAtTheBorder: it reads up to the border while it waits, and no further.
func TestRunWaitsAtTheBorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, answer := newScript(t.Context()), make(chan int64)
		r, _ := start(t, bordered(body, func(context.Context, int64) int64 { return <-answer }))
		f := follow(t, r, 0, 64, Everything)
		body.send <- content(0, 64)
		expect(t, f, 0, 32)
		synctest.Wait()
		if s := r.Span(); s.Pos != 32 {
			t.Errorf("read up to %d", s.Pos)
		}
		answer <- 64
		expect(t, f, 32, 64)
	})
}

// TestBodyOfAPartEndsAtItsEnd: a body that has no more isn't read on.
func TestBodyOfAPartEndsAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		cfg := bordered(nil, func(_ context.Context, end int64) int64 {
			t.Error("asked to extend")
			return end + 32
		})
		cfg.Open = func(context.Context, int64, int64) (Opened, error) {
			return Opened{body, 32,
				96}, nil
		}
		r, rec := start(t, cfg)
		f := follow(t, r, 0, 96, Everything)
		body.send <- content(0, 32)
		expect(t, f, 0, 32)
		expectEOF(t, f)
		<-rec.done
	})
}

func TestRunStaysAheadOfItsFastestFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, setup{End: 160, Body: body, Hold: 16, Ahead: func() int64 { return 40 }})
		fast, slow := follow(t, r, 0, 160, Everything), follow(t, r, 0, 160, Everything)
		caughtUp := make(chan struct{})
		go func() {
			body.send <- content(0, 96)
			<-caughtUp
			body.send <- content(96, 160)
		}()
		synctest.Wait()
		if s := r.Span(); s.Pos != 48 { // whole chunks
			t.Errorf("read up to %d with all followers at 0", s.Pos)
		}
		if _, err := fast.Next(t.Context(), nil, nil); !errors.Is(err, ErrBehind) {
			t.Fatalf("a follower whose bytes were dropped got %v", err)
		}
		fast.Skip(48) // it has got them elsewhere
		synctest.Wait()
		if s := r.Span(); s.Pos != 96 || s.Base != 80 {
			t.Errorf("at %+v with the fastest follower at 48", s)
		}
		fast.Skip(32)
		expect(t, fast, 80, 96)
		close(caughtUp)
		slow.Close()
		fast.Close()
		<-rec.done
		if rec.end != 160 || rec.err != nil { // on its own it reads to its end
			t.Errorf("ended at %d with %v", rec.end, rec.err)
		}
	})
}

func TestAttachBehindWhatARunHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, bordered(body, func(_ context.Context, end int64) int64 {
			return end +
				32
		}))
		leader := follow(t, r, 0, 96, Everything)
		body.send <- content(0, 32)
		expect(t, leader, 0, 32)
		synctest.Wait()
		r.mu.Lock()
		r.cfg.Content.(*hooks).setup.Hold = 0
		r.dropLocked()
		r.mu.Unlock()
		late := r.Follow(Wanted{Stop: 96, Ahead: Everything, Behind: true})
		if late == nil {
			t.Fatalf("can't be attached to, at %+v", r.Span())
		}
		leader.Close() // the late one keeps the run going
		body.send <- content(32, 96)
		<-rec.done
		if rec.end != 96 || rec.err != nil {
			t.Errorf("ended at %d with %v", rec.end, rec.err)
		}
		late.Close()
		synctest.Wait() // Done is called a moment before the run is done
		if r.Follow(Wanted{Stop: 96, Ahead: Everything, Behind: true}) != nil {
			t.Error("a run that is done can be attached to")
		}
	})
}

// TestRunThatIsLeft ends in time: at once where the body may have no end.
func TestRunThatIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		end   int64
		alone time.Duration
		lasts time.Duration
	}{
		"known length":              {96, time.Minute, time.Minute},
		"unknown length":            {-1, time.Minute, 0},
		"unknown, nobody's":         {-1, 0, -1},
		"known length, in no hurry": {96, 0, -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := newScript(t.Context())
				r, rec := start(t, setup{End: c.end, Body: body, Hold: 1 << 10, Alone: c.alone})
				f := follow(t, r, 0, Everything, Everything)
				body.send <- content(0, 20)
				expect(t, f, 0, 20)
				began := time.Now()
				f.Close()
				if c.lasts < 0 {
					time.AfterFunc(time.Hour, func() { body.fail <- io.EOF })
				}
				<-rec.done
				lasted := time.Since(began)
				if want := c.lasts; want >= 0 && (lasted != want || !errors.Is(rec.err,
					ErrAbandoned)) || want < 0 && lasted < time.Hour {
					t.Errorf("lasted %v, ended with %v", lasted, rec.err)
				}
			})
		})
	}
}

// TestRunThatIsJoinedAgainGoesOn: the time that a run has on its own begins anew.
func TestRunThatIsJoinedAgainGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, setup{End: 40, Body: body, Hold: 1 << 10, Alone: time.Minute})
		for range 5 {
			f := follow(t, r, 0, 40, Everything)
			f.Close()
			<-time.After(50 * time.Second)
		}
		body.send <- content(0, 40)
		<-rec.done
		if rec.err != nil {
			t.Error(rec.err)
		}
	})
}

// TestRunIsCutWhileItAsks: it doesn't read on into what another run has begun to read meanwhile.
func TestRunIsCutWhileItAsks(t *testing.T) {
	for cut, want := range map[int64]int64{32: 32, 48: 48, 64: 64, 80: 64} {
		synctest.Test(t, func(t *testing.T) {
			body, answer := newScript(t.Context()), make(chan int64)
			r, rec := start(t, bordered(body, func(_ context.Context, end int64) int64 {
				if end > 32 {
					return end
				}
				return <-answer
			}))
			f := follow(t, r, 0, 96, Everything)
			go func() { body.send <- content(0, 96) }()
			expect(t, f, 0, 32)
			synctest.Wait()
			if !r.Cut(cut) {
				t.Error("can't be cut")
			}
			answer <- 64
			<-rec.done
			if rec.end != want || rec.err != nil {
				t.Errorf("cut at %d: ended at %d with %v", cut, rec.end, rec.err)
			}
		})
	}
}

// TestRunThatIsLeftBySlowOrigin ends at once if the rest would take long at the pace of its body so
// far, or as soon as that can be told; otherwise it reads on.
func TestRunThatIsLeftBySlowOrigin(t *testing.T) {
	const brief, alone = 5 * time.Second, 30 * time.Second
	for name, c := range map[string]struct {
		took   time.Duration // by the first 32 bytes
		end    int64
		want   int64
		then   time.Duration // until the rest comes
		lasts  time.Duration
		breaks bool
	}{
		"fast": {took: 2 * time.Second, end: 112,
			then: 900 * time.Millisecond, lasts: 900 * time.Millisecond},
		"slow": {took: 2 * time.Second, end: 113, then: alone,
			lasts: 0, breaks: true},
		"slow, but little is wanted": {took: 2 * time.Second, end: 400, want: 48,
			then: time.Second, lasts: time.Second},
		"too early to tell, then slow": {took: 100 * time.Millisecond, end: 400, then: alone,
			lasts: time.Second, breaks: true},
		"too early to tell, then fast": {took: 100 * time.Millisecond, end: 400,
			then: 400 * time.Millisecond, lasts: 400 * time.Millisecond},
		"fast, then at a standstill": {took: time.Second, end: 112, then: alone,
			lasts: 2 * time.Second, breaks: true},
		"so fast that it has all its time": {took: 0, end: 33, then: 2 * alone, lasts: alone,
			breaks: true},
		"at a standstill before it was known": {took: 0, end: 200, then: alone, lasts: time.Second,
			breaks: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := newScript(t.Context())
				cfg := setup{End: c.end, Want: 1, Body: body, Hold: 1 << 10, Alone: alone,
					Brief: brief, Idle: func() time.Duration { return 0 }}
				r, rec := start(t, cfg)
				f := follow(t, r, 0, c.end, cmp.Or(c.want, Everything))
				<-time.After(c.took)
				body.send <- content(0, 32)
				synctest.Wait()
				left := time.Now()
				f.Close()
				go func() {
					select {
					case <-time.After(c.then):
					case <-body.ctx.Done():
						return
					}
					select {
					case body.send <- content(32, c.end):
					case <-body.ctx.Done():
					}
				}()
				<-rec.done
				if got := time.Since(left); got != c.lasts || errors.Is(rec.err,
					ErrAbandoned) != c.breaks {
					t.Errorf("lasted %v, ended at %d with %v", got, rec.end, rec.err)
				}
			})
		})
	}
}

// TestPaceIsThatOfReading: what a run waits for besides says nothing of its origin.
func TestPaceIsThatOfReading(t *testing.T) {
	forever := func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for name, cfg := range map[string]setup{
		"waits for a body": {Open: func(ctx context.Context, _, _ int64) (Opened,
			error) {
			return Opened{}, forever(ctx)
		}},
		"waits for room": {Spare: func(context.Context, int64) bool { return false },
			Take: func(ctx context.Context, _, _ int64) error { return forever(ctx) }},
		"waits for followers": {Ahead: func() int64 { return 4 }},
		"reads":               {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if cfg.End, cfg.Hold = 400, 1<<10; cfg.Open == nil {
					body := newScript(t.Context())
					cfg.Body, body.rest = body, content(0, 16)
				}
				r, _, begin := prepare(t, cfg)
				follow(t, r, 0, 400, Everything) // first: what nobody follows may be let go of
				begin()
				<-time.After(time.Hour)
				r.mu.Lock()
				defer r.mu.Unlock()
				if slow := r.pace.exceeds(400, time.Minute); slow != (name == "reads") {
					t.Errorf("after %d bytes in %v it is said to be slow: %v", r.pace.bytes,
						r.pace.spent, slow)
				}
			})
		})
	}
}

// TestRunThatIsAwaited: one that is opened for others waits for them, however slow it is, but not
// for their return.
func TestRunThatIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &record{done: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		r := New(setup{End: 400, Body: newScript(ctx), Hold: 1 << 10, Alone: time.Minute,
			Brief: time.Second, Awaited: true}.config(rec))
		first := follow(t, r, 0, 1, Everything)
		r.Start(ctx, cancel)
		<-time.After(10 * time.Second)
		first.Close()
		<-time.After(10 * time.Second)
		other := follow(t, r, 0, 400, Everything)
		left := time.Now()
		other.Close()
		<-rec.done
		if got := time.Since(left); got != 0 || !errors.Is(rec.err, ErrAbandoned) {
			t.Errorf("lasted %v, ended with %v", got, rec.err)
		}
	})
}
