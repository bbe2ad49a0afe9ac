// Package top shows in a terminal what a node does: what its admin listener tells of itself becomes
// a View, which is drawn as a screen, or as a line.
//
//	/events ─► Events ─► Stats ─┐
//	/peers ──────────────► Peers ┴► View: rates, shares ─► Screen: lines of the terminal's width
//	                                                  └──► Line: one line
package top

import (
	"slices"

	"github.com/scurrycache/scurry/internal/admin"
)

// View is what a node does now. Its rates are those between the last two Takes. The zero View is
// ready.
type View struct {
	// Node is where the node is asked.
	Node string

	// Lost is why the node can't be asked any more, if that is so. What is shown is the last that
	// was known.
	Lost string

	now, before        *admin.Stats // before is nil until there are two of one process
	peers, peersBefore admin.Peers
	seconds            float64 // between the two
}

// Take takes in what the node tells.
func (v *View) Take(stats *admin.Stats, peers admin.Peers) {
	v.Lost, v.before, v.seconds = "", nil, 0
	if old := v.now; old != nil && stats.UptimeSeconds > old.UptimeSeconds {
		v.before, v.seconds = old, stats.UptimeSeconds-old.UptimeSeconds
	}
	v.now = stats
	itself := func(p admin.Peer) bool { return p.Name == peers.Self }
	if peers.Self != "" && !slices.ContainsFunc(peers.Peers, itself) {
		self := admin.Peer{Name: peers.Self, State: "itself"}
		peers.Peers = append([]admin.Peer{self}, peers.Peers...)
	}
	v.peersBefore, v.peers = v.peers, peers
}

// per is how much a count grows in a second. It is negative if that isn't known.
func (v *View) per(count func(*admin.Stats) int64) float64 {
	if v.before == nil {
		return -1
	}
	return max(0, float64(count(v.now)-count(v.before))/v.seconds)
}

// share is how much the first of two rates has of their sum, from 0 to 1. It is -1 if that isn't
// known.
func share(part, rest float64) float64 {
	if part < 0 || part+rest <= 0 {
		return -1
	}
	return part / (part + rest)
}

// hitRatio is how many of the requests for resources were answered from what was stored before.
func (v *View) hitRatio() float64 {
	hits := v.per(func(s *admin.Stats) int64 {
		r := s.Requests
		return r.Hit + r.Stale
	})
	return share(hits, v.per(func(s *admin.Stats) int64 {
		r := s.Requests
		return r.Miss + r.Partial + r.Revalidated + r.Collapsed + r.Pass
	}))
}

// byteRatio is how many of the bytes came from memory, here or at another node.
func (v *View) byteRatio() float64 {
	cached := v.per(func(s *admin.Stats) int64 {
		return s.Responses.MemoryBytes + s.Responses.PeerBytes
	})
	return share(cached, v.per(func(s *admin.Stats) int64 { return s.Responses.OriginBytes }))
}

// requests is how many requests are answered in a second.
func (v *View) requests() float64 {
	return v.per(func(s *admin.Stats) int64 {
		r := s.Requests
		return r.Hit + r.Miss + r.Partial + r.Stale + r.Revalidated + r.Collapsed + r.Pass +
			r.Refused
	})
}

// sent is how many bytes of content are sent in a second.
func (v *View) sent() float64 {
	return v.per(func(s *admin.Stats) int64 {
		r := s.Responses
		return r.MemoryBytes + r.PeerBytes + r.OriginBytes
	})
}

// used is how many bytes of the budget are in use.
func used(c *admin.CacheStats) int64 {
	return c.Records.Bytes + c.Main.Bytes + c.Probation.Bytes + c.Hot.Bytes
}
