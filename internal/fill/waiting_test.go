package fill

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"
)

// TestWaiting: the first counts as long as it waits, then the one that wants most.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := start(t, setup{End: 96, Body: newScript(t.Context()), Hold: 64})
		followers := map[string]*Follower{}
		for who, stop := range map[string]int64{"first": 32, "short": 48, "long": 64} {
			f := r.Follow(Wanted{Who: who, Stop: stop, Ahead: 8})
			if f == nil {
				t.Fatal("can't be followed")
			}
			t.Cleanup(f.Close)
			followers[who] = f
		}
		follow(t, r, 0, 96, 8) // isn't named
		expect := func(off int64, want any, stop int64) {
			t.Helper()
			if who, until := r.Waiting(off, "first"); who != want || until != stop {
				t.Errorf("%v waits from %d on, up to %d; want %v, %d", who, off, until, want, stop)
			}
		}
		expect(0, "first", 32)
		expect(32, "long", 64)
		expect(64, nil, 0)
		followers["first"].Close()
		expect(0, "long", 64)
	})
}

// TestExactRun reads no byte beyond where its followers stop, and goes on with another body for one
// who wants more.
func TestExactRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opened [][2]int64
		var r *Run
		r, _, begin := prepare(t, setup{
			End: 96, Hold: 96, Transient: func() bool { return true }, Want: 1,
			Open: func(_ context.Context, off, _ int64) (Opened, error) {
				_, stop := r.Waiting(off, nil)
				opened = append(opened, [2]int64{off, stop})
				return Opened{Body: io.NopCloser(bytes.NewReader(content(off, stop))), End: stop,
					Length: 96}, nil
			},
		})
		// more often than lost bodies are resumed
		for i, stop := range []int64{3, 5, 6, 7, 11, 13, 14, 15} {
			f := r.Follow(Wanted{Who: stop, Stop: stop, Ahead: Everything})
			if f == nil {
				t.Fatalf("can't be followed up to %d", stop)
			}
			if i == 0 { // not before someone waits, as the body is opened to where that one stops
				begin()
			}
			expect(t, f, 0, stop)
			expectEOF(t, f)
			synctest.Wait()
			if s := r.Span(); s.Pos != stop {
				t.Errorf("read up to %d for one who wants %d", s.Pos, stop)
			}
			t.Cleanup(f.Close)
		}
		if len(opened) != 8 || opened[7] != [2]int64{14, 15} {
			t.Errorf("opened %v", opened)
		}
	})
}
