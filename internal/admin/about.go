package admin

import "time"

// Version is the build of a node, and when it began to run.
type Version struct {
	Version   string    `json:"version"`
	Revision  string    `json:"revision,omitempty"`
	GoVersion string    `json:"go_version"`
	OS        string    `json:"os"`
	Arch      string    `json:"arch"`
	Started   time.Time `json:"started"`
}

// Setting is one of a node's settings, by the name of its flag. The value has no credentials.
// Source is where it came from, such as a flag or a file.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// Peers are the nodes that share the cache. Self is empty, and there is nothing else, if the node
// is on its own.
type Peers struct {
	Self      string     `json:"self"`
	RingEpoch uint64     `json:"ring_epoch"` // how often the ring has changed
	Ring      []RingNode `json:"ring"`
	Peers     []Peer     `json:"peers"`
}

// RingNode is a node that owns keys now. Share is how many of all, from 0 to 1.
type RingNode struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"`
}

// Peer is what a node knows of another.
type Peer struct {
	Name           string    `json:"name"`
	State          string    `json:"state"` // live, leaving, down, refused, itself or unknown
	Since          time.Time `json:"since"` // of the state
	Failure        string    `json:"failure,omitempty"`
	Requests       int64     `json:"requests"`
	Errors         int64     `json:"errors"`
	LatencySeconds float64   `json:"latency_seconds"` // a moving mean, until an answer began
	ReceivedBytes  int64     `json:"received_bytes"`
	SentBytes      int64     `json:"sent_bytes"`
}

// Check is one thing that /readyz?verbose tells of. It doesn't decide whether the node is ready: a
// node whose origin or peers are away answers from what it has.
type Check struct {
	Name string
	Fine bool
	Text string // in a few words, without a newline
}
