package fetch

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/workers"
)

// slots bound how many requests to the origin there are at once, from the request to the end of the
// response's content. Others wait in a queue, the first to come first, for some time. What nobody
// waits for takes a slot only if it is free.
//
// A request waits after requests for the same have been collapsed, so that it counts once however
// many clients wait for it, on however many nodes. Peers' requests wait like those of this node's
// clients: they wait for the origin only, never for a third node. If they were refused instead,
// each node would ask the origin by itself. The wait is bounded, so that nodes which read from each
// other can't wait for ever.
type slots struct {
	taken   chan struct{} // has an element for each one
	queue   int64
	waiting atomic.Int64

	refused, yielded atomic.Int64
}

// slotWait is how long a request waits for a slot.
const slotWait = 10 * time.Second

// newSlots makes n slots with a queue of that length. It returns nil if n is 0: any number.
func newSlots(n, queue int) *slots {
	if n == 0 {
		return nil
	}
	return &slots{taken: make(chan struct{}, n), queue: int64(queue)}
}

var errCrowded = errors.New("too many requests to the origin are under way, and as many wait as may")

// take takes a slot, which has to be given back. The error is store.ErrYielded, the end of ctx, or
// a *store.Failure.
func (s *slots) take(ctx context.Context, yields bool) error {
	if s == nil {
		return nil
	}
	select {
	case s.taken <- struct{}{}: // never one that others wait for
		return nil
	default:
	}
	if yields {
		s.yielded.Add(1)
		return store.ErrYielded
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > s.queue {
		return s.refuse()
	}
	workers.TaskOf(ctx).Detach()
	late := time.NewTimer(slotWait)
	defer late.Stop()
	select {
	case s.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-late.C:
		return s.refuse()
	}
}

func (s *slots) refuse() error {
	s.refused.Add(1)
	return &store.Failure{Status: http.StatusServiceUnavailable, Kind: "connection_limit_reached",
		Err: errCrowded}
}

// give gives a slot back.
func (s *slots) give() {
	if s != nil {
		<-s.taken
	}
}
