package peer

import (
	"time"

	"github.com/scurrycache/scurry/internal/measure"
)

// State is what is known of a peer.
type State = string

// The states of a peer. Only those that are Live are in the ring.
const (
	Unknown State = "unknown" // it hasn't been dialed to an end yet
	Live    State = "live"
	Leaving State = "leaving" // it has said that it is about to stop
	Down    State = "down"    // it can't be reached
	Refused State = "refused" // it is set up otherwise, or one of us doesn't know the secret
	Itself  State = "itself"  // it is this node
)

// Status is what a node knows of a peer.
type Status struct {
	Name string

	// State is "live", "leaving" (it has said that it is about to stop), "down" (it can't be
	// reached), "refused" (its settings differ, or it doesn't know the secret), "itself" (it is
	// this node) or "unknown" (it hasn't been reached yet). Since is when that state began. Failure
	// says, for operators, why it isn't live. Silent means that the state began because nothing
	// came from it any more: it may be stopped rather than gone.
	State   State
	Since   time.Time
	Failure string
	Silent  bool

	// Requests were sent to it, Errors of them brought no answer, Latencies are the times until an
	// answer began, and Latency is their moving mean.
	Requests, Errors int64
	Latency          time.Duration
	Latencies        measure.Distribution

	// BytesIn and BytesOut are the bytes received from it and sent to it.
	BytesIn, BytesOut int64
}
