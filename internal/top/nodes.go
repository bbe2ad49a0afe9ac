package top

import (
	"slices"

	"github.com/scurrycache/scurry/internal/admin"
)

// nodeSections are the other nodes, and what each owns, one in a line; none if there is one node.
func (v *View) nodeSections() (all []section) {
	shares := map[string]float64{}
	for _, n := range v.peers.Ring {
		shares[n.Name] = n.Share
	}
	name := "nodes"
	for _, p := range v.peers.Peers {
		all = append(all, section{name, v.node(p, shares)})
		name = ""
	}
	return all
}

// node is what is known of one of the nodes.
func (v *View) node(p admin.Peer, shares map[string]float64) []item {
	share, owns := shares[p.Name]
	owned := "owns nothing"
	if owns {
		owned = "owns " + percent(share)
	}
	well := p.State == "live" || p.State == "itself"
	items := []item{{oneLine(p.Name), plain}, badIf(!well, "%s", p.State), text("%s", owned)}
	if p.State == "live" {
		requests, errors := v.peerRates(p)
		items = append(items, text("%s requests/s", rate(requests)),
			badIf(errors > 0, "errors %s/s", rate(errors)), text("%s", seconds(p.LatencySeconds)))
	}
	if !well {
		items = append(items, item{"for " + age(v.now.Time.Sub(p.Since).Seconds()), faint})
		if p.Failure != "" {
			items = append(items, item{oneLine(p.Failure), faint})
		}
	}
	return items
}

// peerRates are the requests to a peer, and the errors, in a second; negative if they aren't known.
func (v *View) peerRates(p admin.Peer) (requests, errors float64) {
	i := slices.IndexFunc(v.peersBefore.Peers, func(q admin.Peer) bool { return q.Name == p.Name })
	if i < 0 || v.before == nil {
		return -1, -1
	}
	old := v.peersBefore.Peers[i]
	return max(0, float64(p.Requests-old.Requests)/v.seconds),
		max(0, float64(p.Errors-old.Errors)/v.seconds)
}
