package metrics

import (
	"github.com/scurrycache/scurry/internal/measure"
	"github.com/scurrycache/scurry/proxy"
)

// ofCache are about what is held in memory.
var ofCache = []Family{
	byPart("scurry_cache_entries", gauge, "Records, or chunks, that a part of the cache holds.",
		func(p proxy.Part) int64 { return p.Entries }),
	byPart("scurry_cache_bytes", gauge, "Bytes that a part of the cache holds.",
		func(p proxy.Part) int64 { return p.Bytes }),
	byPart("scurry_cache_limit_bytes", gauge,
		"Bytes that a part of the cache may hold now, if the others leave that.",
		func(p proxy.Part) int64 { return p.Limit }),
	byPart("scurry_cache_evictions_total", counter,
		"Records, or chunks, that were dropped to make room.",
		func(p proxy.Part) int64 { return p.Evictions }),
	one("scurry_cache_memory_limit_bytes", gauge, "Budget of all parts together, as set.",
		func(s *scrape) int64 { return s.Memory }),
	one("scurry_cache_eviction_age_seconds", gauge,
		"Time since the last use of the chunk that main evicts next, about.",
		func(s *scrape) float64 { return s.EvictionAge.Seconds() }),
	one("scurry_cache_hot_hits_total", counter, "Lookups that found a hot chunk.",
		func(s *scrape) int64 { return s.HotHits }),
	one("scurry_fills_total", counter, "Bodies that began to be read into the cache.",
		func(s *scrape) int64 { return s.Fills }),
	one("scurry_fills_in_flight", gauge, "Bodies that are being read into the cache.",
		func(s *scrape) int64 { return s.LiveFills }),
	{
		Name: "scurry_purges_total", Type: counter, Labels: []string{"result"},
		Help: "Purges that this node was asked for, by whether all nodes have acknowledged them.",
		numbers: func(s *scrape, add addNumber) {
			add(float64(s.Purges-s.PurgesIncomplete), "complete")
			add(float64(s.PurgesIncomplete), "incomplete")
		},
	},
	{
		Name: "scurry_invalidations_total", Type: counter, Labels: []string{"kind"},
		Help: "Invalidations that this node knows of, from all nodes, by what they do.",
		numbers: func(s *scrape, add addNumber) {
			add(float64(s.Removes), "remove")
			add(float64(s.Revalidates), "revalidate")
			add(float64(s.Expires), "expire")
		},
	},
}

// byPart is a family with a number for each part of the cache.
func byPart(name, kind, help string, read func(proxy.Part) int64) Family {
	return Family{
		Name: name, Type: kind, Help: help, Labels: []string{"part"},
		numbers: func(s *scrape, add addNumber) {
			add(float64(read(s.RecordPart)), "records")
			add(float64(read(s.Main)), "main")
			add(float64(read(s.Probation)), "probation")
			add(float64(read(s.HotPart)), "hot")
		},
	}
}

// ofOrigin are about requests to the origin.
var ofOrigin = []Family{
	one("scurry_origin_requests_total", counter, "Requests to the origin.",
		func(s *scrape) int64 { return s.OriginRequests }),
	one("scurry_origin_errors_total", counter,
		"Requests to the origin that got no usable response, or only a part of one.",
		func(s *scrape) int64 { return s.OriginErrors }),
	one("scurry_origin_requests_in_flight", gauge,
		"Requests to the origin whose response hasn't ended.",
		func(s *scrape) int64 { return s.OriginInFlight }),
	one("scurry_origin_received_bytes_total", counter, "Bytes of content from the origin.",
		func(s *scrape) int64 { return s.OriginBytes }),
	durations("scurry_origin_request_duration_seconds",
		"Time from a request to the origin to the end of the response, or to the failure.",
		func(s *scrape) measure.Distribution { return s.OriginTook }),
	durations("scurry_origin_response_duration_seconds",
		"Time from a request to the origin to the head of the response.",
		func(s *scrape) measure.Distribution { return s.OriginFirst }),
}

// ofNode are about the node itself.
var ofNode = []Family{
	one("scurry_ready", gauge, "1 while the node takes requests.",
		func(s *scrape) float64 { return truth(s.Ready()) }),
	one("scurry_config_last_reload_successful", gauge,
		"1 if the last reload of the settings has succeeded, or there was none.",
		func(s *scrape) float64 {
			ok, _ := s.Reloaded()
			return truth(ok)
		}),
	one("scurry_config_last_reload_success_timestamp_seconds", gauge,
		"When the settings that count now were read.",
		func(s *scrape) float64 {
			_, last := s.Reloaded()
			return float64(last.UnixMilli()) / 1e3
		}),
	one("scurry_log_lines_dropped_total", counter, "Lines of log that nobody took in time.",
		func(s *scrape) int64 { return s.Dropped() }),
	{
		Name: "scurry_build_info", Type: gauge, Help: "1, with what is known of the build.",
		Labels: []string{"version", "revision", "go_version"},
		numbers: func(s *scrape, add addNumber) {
			add(1, s.Version, s.Revision, s.GoVersion)
		},
	},
}
