package proxy

import "sync/atomic"

// Stats are counts since New and states at the time of the call.
type Stats struct {
	// Requests for resources, by what the cache did. Their sum is the number of such requests that were answered
	// from the cache or the origin, at all.
	Hits, Misses, Stale, Revalidated, Collapsed, Passed int64

	// Failures are requests that got an error of our own because the origin couldn't answer.
	Failures int64

	// OriginRequests were sent to the origin; OriginErrors of them brought no response, and OriginBytes of content
	// have come.
	OriginRequests, OriginErrors, OriginBytes int64

	// Records and chunks held, in number and bytes, and the chunks evicted for others.
	Records, RecordBytes, Chunks, ChunkBytes, Evictions int64

	// Fills are origin bodies that have been read into the cache; LiveFills are being read now.
	Fills, LiveFills int64
}

type counters struct {
	hits, misses, stale, revalidated, collapsed, passed, failures atomic.Int64
	originRequests, originErrors, originBytes                     atomic.Int64
}

// Stats returns the proxy's counts. Each is exact, but they aren't taken at one instant.
func (p *Proxy) Stats() Stats {
	u, c := p.store.Usage(), &p.stats
	return Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Stale: c.stale.Load(), Revalidated: c.revalidated.Load(),
		Collapsed: c.collapsed.Load(), Passed: c.passed.Load(), Failures: c.failures.Load(),
		OriginRequests: c.originRequests.Load(), OriginErrors: c.originErrors.Load(), OriginBytes: c.originBytes.Load(),
		Records: u.Records, RecordBytes: u.RecordBytes,
		Chunks: u.Chunks.Items, ChunkBytes: u.Chunks.Bytes, Evictions: u.Chunks.Evictions,
		Fills: u.Fills, LiveFills: u.LiveFills,
	}
}

// count counts one answered request by its outcome.
func (c *counters) count(outcome string) {
	switch outcome {
	case outcomeHit:
		c.hits.Add(1)
	case outcomeMiss:
		c.misses.Add(1)
	case outcomeStale:
		c.stale.Add(1)
	case outcomeRevalidated:
		c.revalidated.Add(1)
	case outcomeCollapsed:
		c.collapsed.Add(1)
	case outcomePass:
		c.passed.Add(1)
	}
}
