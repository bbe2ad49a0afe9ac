package peer

import "time"

// Status is what a node knows of a peer.
type Status struct {
	Name string

	// State is "live", "leaving" (it has said that it is about to stop), "down" (it can't be
	// reached), "refused" (its settings differ, or it doesn't know the secret), "itself" (it is
	// this node) or "unknown" (it hasn't been reached yet). Since is when that state began. Failure
	// says, for operators, why it isn't live.
	State   State
	Since   time.Time
	Failure string

	// Requests were sent to it, Errors of them brought no answer, and Latency is a moving mean of
	// the time until an answer began.
	Requests, Errors int64
	Latency          time.Duration

	// BytesIn and BytesOut are the bytes received from it and sent to it.
	BytesIn, BytesOut int64
}

// Status is what is known of p.
func (p *Peer) Status() Status {
	p.node.mu.Lock()
	defer p.node.mu.Unlock()
	return Status{
		Name: p.name, State: p.state, Since: p.since, Failure: p.failure,
		Requests: p.asks.Load(), Errors: p.errors.Load(),
		Latency: time.Duration(p.latency.Load()),
		BytesIn: p.traffic.In.Load(), BytesOut: p.traffic.Out.Load(),
	}
}
