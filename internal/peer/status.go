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
	s := Status{
		Name: p.name, Requests: p.counts.asks.Load(), Errors: p.counts.errors.Load(),
		Latency: time.Duration(p.counts.latency.Load()),
		BytesIn: p.counts.in.Load(), BytesOut: p.counts.out.Load(),
	}
	if a := p.conn.Load(); a != nil {
		in, out := a.Traffic()
		s.BytesIn += in
		s.BytesOut += out
	}
	p.node.mu.Lock()
	defer p.node.mu.Unlock()
	s.State, s.Since, s.Failure = p.state, p.since, p.failure
	if p.inbound != nil {
		in, out := p.inbound.Traffic()
		s.BytesIn += in
		s.BytesOut += out
	}
	return s
}
