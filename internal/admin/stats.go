package admin

import "time"

// Stats are what a node counts and what it is doing. Counts only grow, and begin with the process.
// Dashboards and "scurry top" read their JSON form, so a name may be added but not changed.
type Stats struct {
	Time          time.Time `json:"time"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Draining      bool      `json:"draining"`

	Connections int64         `json:"connections"` // of clients
	Requests    RequestStats  `json:"requests"`
	Responses   ResponseStats `json:"responses"`
	Origin      OriginStats   `json:"origin"`
	Cache       CacheStats    `json:"cache"`
	Fills       FillStats     `json:"fills"`
	Cluster     ClusterStats  `json:"cluster"`
	Log         LogStats      `json:"log"`
	Process     ProcessStats  `json:"process"`
}

// RequestStats count clients' requests by what the cache did. Failed ones are counted there as
// well.
type RequestStats struct {
	Hit         int64 `json:"hit"`
	Miss        int64 `json:"miss"`
	Partial     int64 `json:"partial"`
	Stale       int64 `json:"stale"`
	Revalidated int64 `json:"revalidated"`
	Collapsed   int64 `json:"collapsed"`
	Pass        int64 `json:"pass"`
	Failed      int64 `json:"failed"`    // the origin couldn't be reached
	Refused     int64 `json:"refused"`   // before they were understood
	InFlight    int64 `json:"in_flight"` // now
}

// ResponseStats count what has been sent to clients, once a response has ended.
type ResponseStats struct {
	MemoryBytes int64 `json:"memory_bytes"` // of content, by where it came from
	PeerBytes   int64 `json:"peer_bytes"`
	OriginBytes int64 `json:"origin_bytes"`
	Aborted     int64 `json:"aborted"` // responses that were cut

	Duration  Histogram `json:"duration"`
	FirstByte Histogram `json:"first_byte"`
}

// Histogram counts durations. Each bucket counts those up to its bound, which those of the earlier
// buckets are among; Count counts all.
type Histogram struct {
	Count      uint64   `json:"count"`
	SumSeconds float64  `json:"sum_seconds"`
	Buckets    []Bucket `json:"buckets"`
}

// Bucket is one of a Histogram's.
type Bucket struct {
	LeSeconds float64 `json:"le_seconds"`
	Count     uint64  `json:"count"`
}

// OriginStats count the requests to the origin.
type OriginStats struct {
	Requests      int64     `json:"requests"`
	Errors        int64     `json:"errors"` // requests that brought no usable response, or a part
	InFlight      int64     `json:"in_flight"`
	ReceivedBytes int64     `json:"received_bytes"`
	Duration      Histogram `json:"duration"`
	FirstByte     Histogram `json:"first_byte"`

	LastSuccess   *time.Time `json:"last_success,omitempty"`
	LastError     *time.Time `json:"last_error,omitempty"`
	LastErrorText string     `json:"last_error_text,omitempty"`
}

// CacheStats are what is in memory.
type CacheStats struct {
	LimitBytes         int64     `json:"limit_bytes"` // of all parts together
	Records            PartStats `json:"records"`
	Main               PartStats `json:"main"`
	Probation          PartStats `json:"probation"`
	Hot                PartStats `json:"hot"`
	HotHits            int64     `json:"hot_hits"`
	EvictionAgeSeconds float64   `json:"eviction_age_seconds"`
}

// PartStats are what is in one part of the cache.
type PartStats struct {
	Entries    int64 `json:"entries"`
	Bytes      int64 `json:"bytes"`
	LimitBytes int64 `json:"limit_bytes"`
	Evictions  int64 `json:"evictions"`
}

// FillStats count the bodies that are read into the cache.
type FillStats struct {
	Total    int64 `json:"total"`
	InFlight int64 `json:"in_flight"`
}

// ClusterStats are zero for a node that is on its own.
type ClusterStats struct {
	RingEpoch          uint64 `json:"ring_epoch"`
	RingNodes          int    `json:"ring_nodes"`
	RefusedConnections int64  `json:"refused_connections"`
}

// LogStats are of the log.
type LogStats struct {
	DroppedLines int64 `json:"dropped_lines"`
}

// ProcessStats are of the process, whatever it does.
type ProcessStats struct {
	HeapBytes  uint64 `json:"heap_bytes"`
	Goroutines uint64 `json:"goroutines"`
}

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
