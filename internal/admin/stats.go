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
	Errors        int64     `json:"errors"` // requests that brought no response
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
