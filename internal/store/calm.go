package store

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

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
