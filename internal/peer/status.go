package peer

import "time"

// Status is what a node knows of a peer.
type Status struct {
	Name    string
	State   State
	Since   time.Time // when it came to be in that state
	Failure string    // why it isn't live

	Asks, Errors      int64         // requests to the peer; and those that brought no response
	Latency           time.Duration // until a request's response began, a moving mean
	BytesIn, BytesOut int64         // from and to the peer, both ways of asking together
}

// Status is what is known of p.
func (p *Peer) Status() Status {
	p.node.mu.Lock()
	defer p.node.mu.Unlock()
	return Status{
		Name: p.name, State: p.state, Since: p.since, Failure: p.failure,
		Asks: p.asks.Load(), Errors: p.errors.Load(),
		Latency: time.Duration(p.latency.Load()),
		BytesIn: p.traffic.In.Load(), BytesOut: p.traffic.Out.Load(),
	}
}
