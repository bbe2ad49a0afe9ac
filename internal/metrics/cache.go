package metrics

import "github.com/scurrycache/scurry/proxy"

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
		func(s *scrape) float64 { return float64(s.Memory) }),
	one("scurry_cache_eviction_age_seconds", gauge,
		"Time since the last use of the chunk that main evicts next, about.",
		func(s *scrape) float64 { return s.EvictionAge.Seconds() }),
	one("scurry_cache_hot_hits_total", counter, "Lookups that found a hot chunk.",
		func(s *scrape) float64 { return float64(s.HotHits) }),
	one("scurry_fills_total", counter, "Bodies that began to be read into the cache.",
		func(s *scrape) float64 { return float64(s.Fills) }),
	one("scurry_fills_in_flight", gauge, "Bodies that are being read into the cache.",
		func(s *scrape) float64 { return float64(s.LiveFills) }),
	{
		Name: "scurry_purges_total", Type: counter, Labels: []string{"result"},
		Help: "Purges that this node was asked for, by whether all nodes have acknowledged them.",
		numbers: func(s *scrape, add func(float64, ...string)) {
			add(float64(s.Purges-s.PurgesIncomplete), "complete")
			add(float64(s.PurgesIncomplete), "incomplete")
		},
	},
	{
		Name: "scurry_invalidations_total", Type: counter, Labels: []string{"kind"},
		Help: "Invalidations that this node knows of, from all nodes, by what they do.",
		numbers: func(s *scrape, add func(float64, ...string)) {
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
		numbers: func(s *scrape, add func(float64, ...string)) {
			add(float64(read(s.RecordPart)), "records")
			add(float64(read(s.Main)), "main")
			add(float64(read(s.Probation)), "probation")
			add(float64(read(s.HotPart)), "hot")
		},
	}
}
