package proxy

import (
	"github.com/scurrycache/scurry/internal/admission"
	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/peer"
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

	// Refused are the requests that were refused because of a limit, by which one it was.
	Refused Refusals

	// OriginRequests were sent to the origin; OriginErrors of them brought no response, and
	// OriginBytes of content have come.
	OriginRequests, OriginErrors, OriginBytes int64

	// OriginWaiting is how many requests wait now since Limits.OriginRequests are under way.
	OriginWaiting int64

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
type PeerStats = peer.Status

// Stats returns the proxy's counts. Each is exact, but they aren't taken at one instant.
func (p *Proxy) Stats() Stats {
	u, o, count := p.store.Usage(), p.origin.Counts(), p.server.Count
	var peers []PeerStats
	for _, q := range p.node.Peers() {
		peers = append(peers, q.Status())
	}
	return Stats{
		Hits:        count(decide.OutcomeHit),
		Misses:      count(decide.OutcomeMiss),
		Partial:     count(decide.OutcomePartial),
		Stale:       count(decide.OutcomeStale),
		Revalidated: count(decide.OutcomeRevalidated),
		Collapsed:   count(decide.OutcomeCollapsed),
		Passed:      count(decide.OutcomePass),
		Failures:    p.server.Failures(),
		Refused:     p.refusals(),

		OriginRequests: o.Requests, OriginErrors: o.Errors, OriginBytes: o.Bytes,
		OriginWaiting: o.Waiting,
		Records:       u.Records, RecordBytes: u.RecordBytes,
		Chunks: u.Chunks.Items, ChunkBytes: u.Chunks.Bytes, Evictions: u.Chunks.Evictions,
		Fills: u.Fills, LiveFills: u.LiveFills,
		HotChunks: u.Chunks.HotItems, HotBytes: u.Chunks.HotBytes, HotHits: u.Chunks.HotHits,
		Ring: p.node.Ring(), Peers: peers, PeersRefused: p.node.Refused(),
	}
}

// Refusals are the requests that were refused because of a limit, by which one it was.
type Refusals struct {
	Requests   int64 // Limits.Requests
	ClientRate int64 // Limits.ClientRate

	ReadOnly int64 // Config.ReadOnly

	// Origin are requests to the origin that weren't sent because of Limits.OriginRequests, though
	// clients waited for them; OriginYielded are validations in the background that were put off.
	Origin, OriginYielded int64
}

func (p *Proxy) refusals() Refusals {
	o := p.origin.Counts()
	return Refusals{
		Requests:   p.gate.Refused(admission.Requests),
		ClientRate: p.gate.Refused(admission.ClientRate),
		ReadOnly:   p.server.ReadOnly(),
		Origin:     o.Refused, OriginYielded: o.Yielded,
	}
}
