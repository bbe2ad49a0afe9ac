package main

import (
	"runtime/metrics"
	"time"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/measure"
	"github.com/scurrycache/scurry/proxy"
)

// stats are the node's counts and states, in the form that operators get.
func (r *report) stats() admin.Stats {
	s := r.proxy.Stats()
	open, busy := r.client.Connections()
	out := admin.Stats{
		Time:          time.Now().UTC(),
		UptimeSeconds: time.Since(r.started).Seconds(),
		Draining:      r.drains(),
		Connections:   int64(open),
		Requests: admin.RequestStats{
			Hit: s.Hits, Miss: s.Misses, Partial: s.Partial, Stale: s.Stale,
			Revalidated: s.Revalidated, Collapsed: s.Collapsed, Pass: s.Passed,
			Failed: s.Failures, Refused: r.client.Refused(), InFlight: int64(busy),
		},
		Responses: responseStats(&s.Ended),
		Origin:    originStats(&s),
		Cache: admin.CacheStats{
			LimitBytes: s.Memory,
			Records:    partStats(s.RecordPart), Main: partStats(s.Main),
			Probation: partStats(s.Probation), Hot: partStats(s.HotPart),
			HotHits: s.HotHits, EvictionAgeSeconds: s.EvictionAge.Seconds(),
		},
		Fills: admin.FillStats{Total: s.Fills, InFlight: s.LiveFills},
		Cluster: admin.ClusterStats{RingEpoch: s.RingEpoch, RingNodes: len(s.Ring),
			RefusedConnections: s.PeersRefused},
		Log:     admin.LogStats{DroppedLines: r.lines.Dropped()},
		Process: processStats(),
	}
	return out
}

func responseStats(e *proxy.Ended) (out admin.ResponseStats) {
	bytes := map[string]int64{}
	for i, source := range measure.Sources {
		bytes[source] = e.Bytes[i]
	}
	out.MemoryBytes, out.PeerBytes = bytes["memory"], bytes["peer"]
	out.OriginBytes = bytes["origin"]
	out.Aborted = e.Aborted
	var took, first measure.Distribution
	for o := range measure.Outcomes {
		took, first = took.Plus(e.Took[o]), first.Plus(e.First[o])
	}
	out.Duration, out.FirstByte = histogram(took), histogram(first)
	return out
}

func originStats(s *proxy.Stats) admin.OriginStats {
	return admin.OriginStats{
		Requests: s.OriginRequests, Errors: s.OriginErrors, InFlight: s.OriginInFlight,
		ReceivedBytes: s.OriginBytes,
		Duration:      histogram(s.OriginTook), FirstByte: histogram(s.OriginFirst),
		LastSuccess: known(s.Origin.LastSuccess), LastError: known(s.Origin.LastError),
		LastErrorText: s.Origin.Failure,
	}
}

func partStats(p proxy.Part) admin.PartStats {
	return admin.PartStats{
		Entries: p.Entries, Bytes: p.Bytes, LimitBytes: p.Limit, Evictions: p.Evictions,
	}
}

func histogram(d measure.Distribution) admin.Histogram {
	h := admin.Histogram{Count: d.Count, SumSeconds: d.Sum.Seconds(), Buckets: []admin.Bucket{}}
	for i, n := range d.Classic {
		h.Buckets = append(h.Buckets, admin.Bucket{LeSeconds: measure.Bounds[i], Count: n})
	}
	return h
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

// files are those that stand out, in the form that operators get.
func (r *report) files(n int) admin.Files {
	f := r.proxy.Files(n)
	out := admin.Files{
		SampledOneIn: f.SampledOneIn, Hottest: []admin.HotFile{}, Largest: []admin.LargeFile{},
	}
	for _, hot := range f.Hottest {
		out.Hottest = append(out.Hottest, admin.HotFile(hot))
	}
	for _, large := range f.Largest {
		out.Largest = append(out.Largest, admin.LargeFile{URL: large.URL,
			ContentBytes: large.Bytes, Status: large.Status, ContentType: large.ContentType})
	}
	return out
}

// errors are what has gone wrong lately, in that form.
func (r *report) errors() admin.Errors {
	out := admin.Errors{Origin: []admin.OriginError{}}
	for _, e := range r.proxy.OriginErrors() {
		out.Origin = append(out.Origin, admin.OriginError{Time: e.At.UTC(), Method: e.Method,
			URL: e.URL, Text: oneLine(e.Text)})
	}
	return out
}
