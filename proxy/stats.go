package proxy

import (
	"time"

	"github.com/scurrycache/scurry/internal/decide"
)

// Stats are counts since New and states at the time of the call.
type Stats struct {
	// Requests for resources, by what the cache did. Their sum is the number of requests that were
	// answered from the cache or the origin. Partial are those for which a fresh response was
	// stored, and the origin was asked for some of its content.
	Hits, Misses, Partial, Stale, Revalidated, Collapsed, Passed int64

	// Failures are requests that the proxy answered with an error because the origin couldn't be
	// reached.
	Failures int64

	// OriginRequests were sent to the origin; OriginErrors of them brought no response, and
	// OriginBytes of content have come.
	OriginRequests, OriginErrors, OriginBytes int64

	// Records and chunks held, in number and bytes, and the chunks evicted for others.
	Records, RecordBytes, Chunks, ChunkBytes, Evictions int64

	// Fills are bodies that have been read into the cache, or from another node; LiveFills are
	// being read now.
	Fills, LiveFills int64

	// HotChunks and HotBytes are the chunks that other nodes own, kept here because they are
	// requested often; HotHits is how often one of them was found here.
	HotChunks, HotBytes, HotHits int64

	// Ring is the names of the nodes that share the cache now, this one's among them; nil if there
	// is but one node.
	Ring []string

	// Peers are the other nodes, by name. PeersRefused counts the connections that weren't let in.
	Peers        []PeerStats
	PeersRefused int64
}

// PeerStats is what this node knows of another one.
type PeerStats struct {
	Name string

	// State is "live", "leaving" (it has said that it is about to stop), "down" (it can't be
	// reached), "refused" (its settings differ, or it doesn't know the secret), "itself" (it is
	// this node) or "unknown" (it hasn't been reached yet). Since is when that state began. Failure
	// says, for operators, why it isn't live.
	State   string
	Since   time.Time
	Failure string

	// Requests were sent to it, Errors of them brought no answer, and Latency is a moving mean of
	// the time until an answer began.
	Requests, Errors int64
	Latency          time.Duration

	// BytesIn and BytesOut are the bytes received from it and sent to it.
	BytesIn, BytesOut int64
}

func (p *Proxy) peerStats() []PeerStats {
	var all []PeerStats
	for _, q := range p.node.Peers() {
		s := q.Status()
		all = append(all, PeerStats{
			Name: s.Name, State: string(s.State), Since: s.Since, Failure: s.Failure,
			Requests: s.Asks, Errors: s.Errors, Latency: s.Latency,
			BytesIn: s.BytesIn, BytesOut: s.BytesOut,
		})
	}
	return all
}

// Stats returns the proxy's counts. Each is exact, but they aren't taken at one instant.
func (p *Proxy) Stats() Stats {
	u, c, o := p.store.Usage(), p.server, p.origin.Counts()
	return Stats{
		Hits:        c.Count(decide.OutcomeHit),
		Misses:      c.Count(decide.OutcomeMiss),
		Partial:     c.Count(decide.OutcomePartial),
		Stale:       c.Count(decide.OutcomeStale),
		Revalidated: c.Count(decide.OutcomeRevalidated),
		Collapsed:   c.Count(decide.OutcomeCollapsed),
		Passed:      c.Count(decide.OutcomePass),
		Failures:    c.Failures(),

		OriginRequests: o.Requests, OriginErrors: o.Errors, OriginBytes: o.Bytes,
		Records: u.Records, RecordBytes: u.RecordBytes,
		Chunks: u.Chunks.Items, ChunkBytes: u.Chunks.Bytes, Evictions: u.Chunks.Evictions,
		Fills: u.Fills, LiveFills: u.LiveFills,
		HotChunks: u.Chunks.HotItems, HotBytes: u.Chunks.HotBytes, HotHits: u.Chunks.HotHits,
		Ring: p.node.Ring(), Peers: p.peerStats(), PeersRefused: p.node.Refused(),
	}
}
