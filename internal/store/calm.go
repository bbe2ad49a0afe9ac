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

// calm waits, for a twentieth of a second at most, while the process has more memory than the
// collector is to let it have. Chunks that are evicted are garbage, and where there is little time
// for collecting it, reading on at full speed would outrun the collector.
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
