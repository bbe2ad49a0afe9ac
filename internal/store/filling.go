package store

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"
	"time"
)

// filling is the room for chunks that fills are reading or pushing. A fill takes the room of a
// whole chunk. If its origin stalls, the fill gives back the room of what hasn't come, and takes it
// again later.
//
// Fills that hold parts of chunks never all wait for each other: what one gives back is enough for
// its own rest, unless another takes of it, and that one gets all that it needs. A fill that begins
// a chunk leaves room for another chunk, so that those in mid-chunk go on where that one stalls.
type filling struct {
	small int64 // chunks, and parts, of so many bytes need no room
	chunk int64 // the largest
	most  int64

	mu    sync.Mutex
	free  int64    // guarded by mu, as is queue
	queue []*claim // in the order of their arrival
}

// claim is a fill that waits for room. When it is granted, grant has taken the room.
type claim struct {
	holds   bool
	grant   func() bool // is called with mu held
	granted chan struct{}
}

func (f *filling) init(small, chunk, most int64) {
	f.small, f.chunk, f.most, f.free = small, chunk, most, most
}

// Spare takes room for a chunk of that size if there is plenty.
func (f *filling) Spare(ctx context.Context, size int64) bool {
	f.mu.Lock()
	plenty := size <= f.small || len(f.queue) == 0 && f.free-size >= f.most/4*3
	if plenty {
		f.free -= f.cost(size)
	}
	f.mu.Unlock()
	if plenty {
		calm(ctx)
	}
	return plenty
}

// Take takes room for the rest of a chunk of that size; room for held bytes is taken already.
func (f *filling) Take(ctx context.Context, held, size int64) error {
	holds, rest := f.cost(held) > 0, f.cost(size)-f.cost(held)
	err := f.await(ctx, holds, func() bool {
		if f.free < rest || !holds && f.free-rest < f.chunk {
			return false
		}
		f.free -= rest
		return true
	})
	if err == nil {
		calm(ctx)
	}
	return err
}

// cost is how much room n bytes of a chunk take.
func (f *filling) cost(n int64) int64 {
	if n <= f.small {
		return 0
	}
	return n
}

// Give gives back the room of a chunk beyond keep bytes.
func (f *filling) Give(held, keep int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free += f.cost(held) - f.cost(keep)
	f.serveLocked()
}

// wait waits until a chunk could be begun.
func (f *filling) wait(ctx context.Context) error {
	return f.await(ctx, false, func() bool { return f.free >= 2*f.chunk })
}

// await waits until grant is true. Those that hold no room wait in turn.
func (f *filling) await(ctx context.Context, holds bool, grant func() bool) error {
	c := &claim{holds, grant, make(chan struct{})}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = append(f.queue, c)
	f.serveLocked()
	f.mu.Unlock()
	select {
	case <-c.granted:
	case <-ctx.Done():
	}
	f.mu.Lock()
	if i := slices.Index(f.queue, c); i >= 0 {
		f.queue = slices.Delete(f.queue, i, i+1)
		f.serveLocked()
		return context.Cause(ctx)
	}
	return nil
}

// serveLocked grants the claims of those that hold room, where there is room for the rest, and the
// first ones of the others.
func (f *filling) serveLocked() {
	waits := false
	f.queue = slices.DeleteFunc(f.queue, func(c *claim) bool {
		if waits && !c.holds || !c.grant() {
			waits = true
			return false
		}
		close(c.granted)
		return true
	})
}

const (
	calmStep  = 2 * time.Millisecond
	calmSteps = 25
)

// calm waits while the process has more memory than the collector's limit, for 50 ms at most.
// Evicted chunks are garbage. Where the collector gets little time, a fill that reads on at full
// speed would outrun it.
func calm(ctx context.Context) {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return
	}
	for range calmSteps {
		if memory() <= limit {
			return
		}
		select {
		case <-time.After(calmStep):
		case <-ctx.Done():
			return
		}
	}
}

// memory is what the process has of the system's memory, as the collector's limit counts it.
func memory() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
