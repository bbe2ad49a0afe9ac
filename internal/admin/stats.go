package admin

import "time"

// Stats are what a node counts and what it is doing. Counts only grow, and begin with the process.
// Dashboards and "scurry top" read their JSON form, so a name may be added but not changed.
type Stats struct {
	Time          time.Time `json:"time"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Draining      bool      `json:"draining"`

	Requests RequestStats `json:"requests"`
	Origin   OriginStats  `json:"origin"`
	Cache    CacheStats   `json:"cache"`
	Fills    FillStats    `json:"fills"`
	Cluster  ClusterStats `json:"cluster"`
	Process  ProcessStats `json:"process"`
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
	Failed      int64 `json:"failed"`  // the origin couldn't be reached
	Refused     int64 `json:"refused"` // before they were understood
}

// OriginStats count the requests to the origin.
type OriginStats struct {
	Requests      int64 `json:"requests"`
	Errors        int64 `json:"errors"` // requests that brought no response
	ReceivedBytes int64 `json:"received_bytes"`

	LastSuccess   *time.Time `json:"last_success,omitempty"`
	LastError     *time.Time `json:"last_error,omitempty"`
	LastErrorText string     `json:"last_error_text,omitempty"`
}

// CacheStats are what is in memory.
type CacheStats struct {
	LimitBytes int64     `json:"limit_bytes"` // of all parts together
	Records    PartStats `json:"records"`
	Chunks     PartStats `json:"chunks"`
	Hot        PartStats `json:"hot"`
	HotHits    int64     `json:"hot_hits"`
}

// PartStats are what is in one part of the cache.
type PartStats struct {
	Entries   int64 `json:"entries"`
	Bytes     int64 `json:"bytes"`
	Evictions int64 `json:"evictions"`
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

// ProcessStats are of the process, whatever it does.
type ProcessStats struct {
	HeapBytes  uint64 `json:"heap_bytes"`
	Goroutines uint64 `json:"goroutines"`
}
