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

// TestFillingIsGivenInTurn: who begins a chunk leaves room for one who goes on with another, and
// those come first.
func TestFillingIsGivenInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f filling
		f.init(4, 64, 256)
		if !f.Spare(t.Context(), 4) || !f.Spare(t.Context(), 64) || f.Spare(t.Context(), 64) ||
			f.free != 192 {
			t.Errorf("%d are free", f.free)
		}
		var mu sync.Mutex
		var order []string // those who are served at once in any
		take := func(ctx context.Context, name string, held, size int64) {
			go func() {
				firm, err := f.Take(ctx, held, size)
				mu.Lock()
				defer mu.Unlock()
				order = append(order, fmt.Sprint(name, " ", firm, " ", err))
			}()
			synctest.Wait()
		}
		over, end := context.WithCancel(t.Context())
		end()
		ctx, cancel := context.WithCancelCause(t.Context())
		take(t.Context(), "a", 0, 64)
		take(t.Context(), "b", 0, 64) // 64 are free
		take(t.Context(), "c", 4, 10) // 4 cost nothing
		take(ctx, "d", 10, 64)
		take(t.Context(), "e", 10, 64) // after which there isn't room for another
		take(t.Context(), "f", 10, 20)
		if got := fmt.Sprint(order); got != "[a false <nil> b false <nil> d true <nil>]" ||
			f.wait(over) == nil || f.Spare(t.Context(), 5) {
			t.Errorf("served: %s, %d free", got, f.free)
		}
		f.Give(64, 20) // b stalls: 54 are free
		f.Give(20, 0)  // and ends: 74
		cancel(nil)
		synctest.Wait()
		slices.Sort(order[3:])
		if got := fmt.Sprint(order[3:]); got != "[e true <nil> f true <nil>]" {
			t.Errorf("served then: %s, %d free", got, f.free)
		}
		f.Give(64, 0)
		if synctest.Wait(); len(order) != 6 || f.free != 10+64-10 {
			t.Errorf("served at last: %v, %d free", order, f.free)
		}
		gone := errors.New("gone")
		ctx, cancel = context.WithCancelCause(t.Context())
		take(ctx, "g", 0, 64)
		take(t.Context(), "h", 0, 2)
		cancel(gone)
		if synctest.Wait(); fmt.Sprint(order[6:]) != "[g true gone h false <nil>]" {
			t.Errorf("after one has gone: %v, %d free", order[6:], f.free)
		}
	})
}

// TestFillsDontWaitForEachOther: many at once, whose bytes come bit by bit, all get to their
// chunks' ends.
func TestFillsDontWaitForEachOther(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const most = 300
				var f filling
				f.init(4, 64, most)
				var wg sync.WaitGroup
				for i := range uint64(40) {
					random := rand.New(rand.NewPCG(seed, i))
					wg.Go(func() {
						for range 20 {
							size := 1 + random.Int64N(64)
							for had := int64(0); had < size; {
								firm, err := f.Take(t.Context(), had, size)
								if err != nil {
									t.Error(err)
								}
								if <-time.After(time.Duration(random.IntN(9))); firm {
									break
								}
								had += random.Int64N(size-had) + 1
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
