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

func TestShortBodyIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		r, rec := start(t, setup{End: 40, Body: body, Hold: 1 << 10})
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
		if r.Follow(Wanted{Off: 5, Stop: 40, Ahead: 1}) != nil {
			t.Error("a failed run can be followed")
		}
	})
}

func TestPanicOfTheBodyEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rec := start(t, setup{End: 40, Hold: 1 << 10, Body: panicking{}})
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
		_, rec := start(t, setup{End: 6, Hold: 1 << 10, Body: &abrupt{content(0, 6)},
			Open: func(_ context.Context, off, end int64) (Opened, error) {
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
	for _, end := range []int64{48, 43} {
		synctest.Test(t, func(t *testing.T) {
			body := newScript(t.Context())
			var took []string
			var held atomic.Int64 // room is given back while more is taken
			r, rec := start(t, setup{Start: 16, End: end, Body: body, Hold: 1 << 10,
				Spare: func(context.Context, int64) bool { return false },
				Take: func(_ context.Context, had, size int64) error {
					took = append(took, fmt.Sprintf("%d/%d", had, size))
					held.Add(size - had)
					return nil
				}, Give: func(had, keep int64) { held.Add(keep - had) }})
			holds := func(want int64) {
				t.Helper()
				if synctest.Wait(); held.Load() != want {
					t.Errorf("the run has room for %d, want %d; it took %v", held.Load(), want,
						took)
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
			holds(4)
			body.send <- content(20, 21)
			expect(t, early, 19, 21)
			holds(16)
			<-time.After(stallTime)
			holds(5)
			body.send <- content(21, end)
			expect(t, early, 21, end)
			expect(t, late, 16, end)
			<-rec.done
			holds(0)
			want := fmt.Sprintf("[0/16 4/16 5/16 0/%d]", end-32)
			if got := fmt.Sprint(took); got != want {
				t.Errorf("took %s, want %s", got, want)
			}
			if got, want := fmt.Sprint(rec.chunks), fmt.Sprintf("[16+16 32+%d]",
				end-32); got != want || rec.err != nil {
				t.Errorf("pushed %s, want %s; %v", got, want, rec.err)
			}
		})
	}
}
