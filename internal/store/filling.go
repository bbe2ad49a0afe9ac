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
// Fills that hold parts of chunks could wait for each other. So a fill that begins a chunk leaves
// room for another chunk, which only fills that continue a chunk may take. These keep what they
// have of it until their chunk is whole.
type filling struct {
	small int64 // chunks, and parts, of so many bytes need no room
	chunk int64 // the largest
	most  int64

	mu    sync.Mutex
	free  int64    // guarded by mu, as is queue
	queue []*claim // those that continue a chunk come first, then in the order of their arrival
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

// Take takes room for the rest of a chunk of that size; room for held bytes is taken already. Firm
// room is given back only when the chunk is whole.
func (f *filling) Take(ctx context.Context, held, size int64) (firm bool, err error) {
	holds, rest := f.cost(held) > 0, f.cost(size)-f.cost(held)
	err = f.await(ctx, holds, func() bool {
		if firm = f.free-rest < f.chunk; firm && (!holds || f.free < rest) {
			return false
		}
		f.free -= rest
		return true
	})
	if err == nil {
		calm(ctx)
	}
	return firm, err
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

// await waits until grant is true. Claims wait in turn, and those that hold room already come
// first.
func (f *filling) await(ctx context.Context, holds bool, grant func() bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.queue, func(c *claim) bool { return holds && !c.holds })
	if at < 0 {
		at = len(f.queue)
	}
	if at == 0 && grant() {
		return nil
	}
	c := &claim{holds, grant, make(chan struct{})}
	f.queue = slices.Insert(f.queue, at, c)
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

// serveLocked grants the first claims, as far as there is room.
func (f *filling) serveLocked() {
	for len(f.queue) > 0 && f.queue[0].grant() {
		close(f.queue[0].granted)
		f.queue = slices.Delete(f.queue, 0, 1)
	}
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
