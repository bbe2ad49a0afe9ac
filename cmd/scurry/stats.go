package main

import (
	"runtime/metrics"
	"time"

	"github.com/scurrycache/scurry/internal/admin"
)

// stats are the node's counts and states, in the form that operators get.
func (r *report) stats() admin.Stats {
	s := r.proxy.Stats()
	cfg, _ := r.settings()
	return admin.Stats{
		Time:          time.Now().UTC(),
		UptimeSeconds: time.Since(r.started).Seconds(),
		Draining:      !r.ready(),
		Requests: admin.RequestStats{
			Hit: s.Hits, Miss: s.Misses, Partial: s.Partial, Stale: s.Stale,
			Revalidated: s.Revalidated, Collapsed: s.Collapsed, Pass: s.Passed,
			Failed: s.Failures, Refused: r.client.Refused(),
		},
		Origin: admin.OriginStats{
			Requests: s.OriginRequests, Errors: s.OriginErrors, ReceivedBytes: s.OriginBytes,
			LastSuccess: known(s.Origin.LastSuccess), LastError: known(s.Origin.LastError),
			LastErrorText: s.Origin.Failure,
		},
		Cache: admin.CacheStats{
			LimitBytes: int64(cfg.Memory),
			Records:    admin.PartStats{Entries: s.Records, Bytes: s.RecordBytes},
			Chunks: admin.PartStats{Entries: s.Chunks, Bytes: s.ChunkBytes,
				Evictions: s.Evictions},
			Hot:     admin.PartStats{Entries: s.HotChunks, Bytes: s.HotBytes},
			HotHits: s.HotHits,
		},
		Fills: admin.FillStats{Total: s.Fills, InFlight: s.LiveFills},
		Cluster: admin.ClusterStats{RingEpoch: s.RingEpoch, RingNodes: len(s.Ring),
			RefusedConnections: s.PeersRefused},
		Process: processStats(),
	}
}

// known is t, or nil if it is zero.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// processStats are what Go's runtime counts without stopping the program.
func processStats() admin.ProcessStats {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/sched/goroutines:goroutines"},
	}
	metrics.Read(samples)
	return admin.ProcessStats{
		HeapBytes: samples[0].Value.Uint64(), Goroutines: samples[1].Value.Uint64(),
	}
}
