package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestFillingIsGivenInTurn: who begins a chunk waits in turn, and leaves room for one who goes on
// with another. Those get it as soon as there is room for the rest.
func TestFillingIsGivenInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f filling
		f.init(4, 64, 256)
		if !f.Spare(t.Context(), 4) || !f.Spare(t.Context(), 64) || f.Spare(t.Context(), 64) ||
			f.free != 192 {
			t.Errorf("%d are free", f.free)
		}
		var mu sync.Mutex
		var served []string // in any order
		take := func(ctx context.Context, name string, held, size int64) {
			go func() {
				err := f.Take(ctx, held, size)
				mu.Lock()
				defer mu.Unlock()
				served = append(served, fmt.Sprint(name, " ", err))
			}()
			synctest.Wait()
		}
		expect := func(free int64, want ...string) {
			t.Helper()
			synctest.Wait()
			if slices.Sort(served); !slices.Equal(served, want) || f.free != free {
				t.Errorf("%d free, served: %q, want %d, %q", f.free, served, free, want)
			}
			served = nil
		}
		over, end := context.WithCancel(t.Context())
		end()
		ctx, cancel := context.WithCancelCause(t.Context())
		take(t.Context(), "a", 0, 64)
		take(t.Context(), "b", 0, 64) // 64 are free
		take(t.Context(), "c", 4, 10) // 4 cost nothing
		take(ctx, "d", 10, 64)
		take(t.Context(), "e", 10, 64) // there isn't room for all of it
		take(t.Context(), "f", 10, 20) // but for that
		expect(0, "a <nil>", "b <nil>", "d <nil>", "f <nil>")
		if f.wait(over) == nil || f.Spare(t.Context(), 5) {
			t.Error("there is room for another")
		}
		f.Give(64, 20) // b stalls
		expect(44)
		take(t.Context(), "b", 20, 64)
		expect(0, "b <nil>")
		f.Give(64, 20) // d stalls
		f.Give(20, 10) // f as well
		expect(0, "e <nil>")
		f.Give(64, 0) // a ends, c leaves room
		expect(64)
		f.Give(64, 0)
		expect(118, "c <nil>")
		gone := errors.New("gone")
		f.Give(10, 0)
		take(ctx, "g", 0, 128)
		take(t.Context(), "h", 0, 2)
		expect(128)
		cancel(gone)
		expect(128, "g gone", "h <nil>")
	})
}

// TestFillsDontWaitForEachOther: many at once, whose bytes come bit by bit, all get to their
// chunks' ends.
func TestFillsDontWaitForEachOther(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const most = 200
				var f filling
				f.init(4, 64, most)
				var wg sync.WaitGroup
				for i := range uint64(40) {
					random := rand.New(rand.NewPCG(seed, i))
					wg.Go(func() {
						for range 20 {
							size := 33 + random.Int64N(32)
							for had := int64(0); had < size; {
								if err := f.Take(t.Context(), had, size); err != nil {
									t.Error(err)
								}
								<-time.After(time.Duration(random.IntN(9)))
								had += 1 + random.Int64N(min(8, size-had))
								f.Give(size, had)
							}
							f.Give(size, 0)
						}
					})
				}
				wg.Wait()
				if f.free != most || len(f.queue) > 0 {
					t.Errorf("%d are free of %d, %d wait", f.free, most, len(f.queue))
				}
			})
		})
	}
}
