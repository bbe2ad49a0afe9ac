package metrics

import "github.com/scurrycache/scurry/proxy"

// states are those that a peer may be in.
var states = []string{"live", "leaving", "down", "refused", "itself", "unknown"}

// ofCluster are about the other nodes.
var ofCluster = []Family{
	byPeer("scurry_peer_requests_total", counter, "Requests to another node.",
		func(p *proxy.PeerStats) int64 { return p.Requests }),
	byPeer("scurry_peer_errors_total", counter, "Requests to another node that got no answer.",
		func(p *proxy.PeerStats) int64 { return p.Errors }),
	byPeer("scurry_peer_received_bytes_total", counter, "Bytes from another node.",
		func(p *proxy.PeerStats) int64 { return p.BytesIn }),
	byPeer("scurry_peer_sent_bytes_total", counter, "Bytes to another node.",
		func(p *proxy.PeerStats) int64 { return p.BytesOut }),
	{
		Name: "scurry_peer_request_duration_seconds", Type: distribution,
		Labels: []string{"peer"},
		Help:   "Time from a request to another node until its answer began.",
		histograms: func(s *scrape, add addHistogram) {
			for _, p := range s.Peers {
				add(seconds(p.Latencies), p.Name)
			}
		},
	},
	{
		Name: "scurry_peer_state", Type: gauge, Labels: []string{"peer", "state"},
		Help: "1 for the state that another node is in.",
		numbers: func(s *scrape, add addNumber) {
			for _, p := range s.Peers {
				for _, state := range states {
					add(truth(p.State == state), p.Name, state)
				}
			}
		},
	},
	one("scurry_peer_connections_refused_total", counter,
		"Connections to the peer port that weren't let in.",
		func(s *scrape) int64 { return s.PeersRefused }),
	one("scurry_ring_nodes", gauge, "Nodes that share the keys, this one included.",
		func(s *scrape) int { return max(1, len(s.Ring)) }),
	one("scurry_ring_epoch", gauge, "How often the nodes that share the keys have changed.",
		func(s *scrape) uint64 { return s.RingEpoch }),
}

// byPeer is a family with a number for each other node.
func byPeer(name, kind, help string, read func(*proxy.PeerStats) int64) Family {
	return Family{
		Name: name, Type: kind, Help: help, Labels: []string{"peer"},
		numbers: func(s *scrape, add addNumber) {
			for i := range s.Peers {
				add(float64(read(&s.Peers[i])), s.Peers[i].Name)
			}
		},
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
