package fetch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/store"
)

// TestSlots: who comes first is served first, the queue is bounded, and so is the time in it.
func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(2, 3)
		take := func() error { return s.take(t.Context(), false) }
		for range 2 {
			if err := take(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.take(t.Context(), true); err != store.ErrYielded {
			t.Errorf("what nobody waits for: %v", err)
		}
		var order []int
		for i := range 3 {
			go func() {
				if err := take(); err != nil {
					t.Error(err)
				}
				order = append(order, i)
			}()
			synctest.Wait()
		}
		if f, ok := errors.AsType[*store.Failure](take()); !ok || f.Status != 503 {
			t.Error("a fourth one waits")
		}
		time.Sleep(slotWait - time.Nanosecond)
		for range 3 {
			s.give()
			synctest.Wait()
		}
		if fmt.Sprint(order) != "[0 1 2]" {
			t.Errorf("served in the order %v", order)
		}

		start := time.Now()
		if f, ok := errors.AsType[*store.Failure](take()); !ok || f.Status != 503 ||
			time.Since(start) != slotWait {
			t.Errorf("%v after %v", f, time.Since(start))
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		time.AfterFunc(time.Second, func() { cancel(gone) })
		if err := s.take(ctx, false); err != gone {
			t.Errorf("%v", err)
		}
		if s.refused.Load() != 2 || s.yielded.Load() != 1 || s.waiting.Load() != 0 {
			t.Errorf("%d refused, %d yielded, %d wait", s.refused.Load(), s.yielded.Load(),
				s.waiting.Load())
		}
		s.give()
		if err := s.take(t.Context(), true); err != nil {
			t.Errorf("there is room, and yet: %v", err)
		}
	})
}
