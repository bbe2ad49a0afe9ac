package proxy

import (
	"time"

	"github.com/scurrycache/scurry/internal/admission"
	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/measure"
	"github.com/scurrycache/scurry/internal/peer"
)

// Stats are counts since New and states at the time of the call.
type Stats struct {
	// Requests for resources, by what the cache did. Their sum is the number of requests that were
	// answered from the cache or the origin. Partial are those for which a fresh response was
	// stored, and the origin was asked for some of its content.
	Hits, Misses, Partial, Stale, Revalidated, Collapsed, Passed int64

	// Ended is what has been counted of the requests that have ended.
	Ended Ended

	// Failures are requests that the proxy answered with an error because the origin couldn't be
	// reached.
	Failures int64

	// Refused are the requests that were refused because of a limit, by which one it was.
	Refused Refusals

	// OriginRequests were sent to the origin; OriginErrors of them brought no usable
	// response, or only a part of one, and OriginBytes of content have come.
	OriginRequests, OriginErrors, OriginBytes int64

	// OriginInFlight of the requests are under way, and OriginWaiting wait since
	// Limits.OriginRequests are. OriginTook is how long they took until the end of the body, and
	// OriginFirst until the response's head.
	OriginInFlight, OriginWaiting int64
	OriginTook, OriginFirst       Distribution

	// Origin is how the origin was seen last.
	Origin OriginSeen

	// Records and chunks held, in number and bytes, and the chunks evicted for others.
	Records, RecordBytes, Chunks, ChunkBytes, Evictions int64

	// Memory is the budget of all parts of the cache: of the records, of the chunks that are kept
	// (Main), of those that are on Probation, since they have been asked for once only, and of the
	// Hot ones. EvictionAge is how long ago the chunk was last used that main evicts next, about.
	Memory                               int64
	RecordPart, Main, Probation, HotPart Part
	EvictionAge                          time.Duration

	// Removes and Revalidates are invalidations that this node knows of, from whichever node: those
	// that remove what they match, and those that have it validated.
	Removes, Revalidates, Expires int64

	// Purges were asked for at this node. PurgesIncomplete of them not all nodes have acknowledged.
	Purges, PurgesIncomplete int64

	// Fills are bodies that have been read into the cache, or from another node; LiveFills are
	// being read now.
	Fills, LiveFills int64

	// LiveRefreshes are validations that go on in the background now.
	LiveRefreshes int64

	// HotChunks and HotBytes are the chunks that other nodes own, kept here because they are
	// requested often; HotHits is how often one of them was found here.
	HotChunks, HotBytes, HotHits int64

	// Self is this node's name. Ring is the names of the nodes that share the cache now, this one's
	// among them, and RingEpoch how often that has changed. They are zero if there is but one node.
	Self      string
	Ring      []string
	RingEpoch uint64

	// Peers are the other nodes, by name. PeersRefused counts the connections that weren't let in.
	Peers        []PeerStats
	PeersRefused int64
}

// Part is what a part of the cache holds. It may hold as much as Limit, if others don't need that.
type Part struct{ Entries, Bytes, Limit, Evictions int64 }

// Ended counts the requests that have ended, and Distribution counts durations.
type (
	Ended        = measure.Ended
	Distribution = measure.Distribution
)

// PeerStats is what this node knows of another one.
type PeerStats = peer.Status

// OriginSeen is when the origin has last answered and failed to, and how.
type OriginSeen = fetch.Seen

// Shares is how much of the keys each node of the ring owns; nil if there is but one node.
func (p *Proxy) Shares() []PeerShare { return p.node.Shares() }

// PeerShare is a node's share of the keys.
type PeerShare = peer.Share

// Stats returns the proxy's counts. Each is exact, but they aren't taken at one instant.
func (p *Proxy) Stats() Stats {
	count := p.server.Count
	s := Stats{
		Hits:        count(decide.OutcomeHit),
		Misses:      count(decide.OutcomeMiss),
		Partial:     count(decide.OutcomePartial),
		Stale:       count(decide.OutcomeStale),
		Revalidated: count(decide.OutcomeRevalidated),
		Collapsed:   count(decide.OutcomeCollapsed),
		Passed:      count(decide.OutcomePass),
		Failures:    p.server.Failures(),
		Refused:     p.refusals(),
		Ended:       p.access.Requests.Read(),
		Purges:      p.purged.Load(), PurgesIncomplete: p.purgedInPart.Load(),

		Self: p.node.Self(), Ring: p.node.Ring(), RingEpoch: p.node.RingEpoch(),
		PeersRefused: p.node.Refused(),
	}
	for _, q := range p.node.Peers() {
		s.Peers = append(s.Peers, q.Status())
	}
	p.originStats(&s)
	p.cacheStats(&s)
	return s
}

func (p *Proxy) originStats(s *Stats) {
	c := p.origin.Counts()
	s.OriginRequests, s.OriginErrors, s.OriginBytes = c.Requests, c.Errors, c.Bytes
	s.OriginWaiting = c.Waiting
	s.OriginInFlight, s.OriginTook, s.OriginFirst = c.InFlight, c.Took, c.First
	s.Origin = p.origin.Seen()
}

// hotShare is how many parts of what main and hot chunks may take, together, groupcache leaves to
// the hot ones: one in so many.
const hotShare = 9

func (p *Proxy) cacheStats(s *Stats) {
	u := p.store.Usage()
	all, main, trial := u.Chunks, u.Main, u.Probation
	s.Records, s.RecordBytes = u.Records, u.RecordBytes
	s.Chunks, s.ChunkBytes, s.Evictions = all.Items, all.Bytes, all.Evictions
	s.Fills, s.LiveFills, s.LiveRefreshes = u.Fills, u.LiveFills, u.Refreshes
	s.HotChunks, s.HotBytes, s.HotHits = main.HotItems, main.HotBytes, main.HotHits

	s.Memory, s.EvictionAge = p.cfg.Memory, u.EvictionAge
	s.RecordPart = Part{u.Records, u.RecordBytes, u.RecordLimit, u.RecordEvictions}
	s.Main = Part{main.Items, main.Bytes, u.MainRoom, main.Evictions}
	s.Probation = Part{trial.Items, trial.Bytes, u.ProbationRoom, trial.Evictions}
	if s.HotPart = (Part{main.HotItems, main.HotBytes, 0, main.HotEvictions}); p.node != nil {
		s.HotPart.Limit = u.MainRoom / hotShare
	}
	s.Removes, s.Revalidates, s.Expires = u.Removes, u.Revalidates, u.Expires
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
