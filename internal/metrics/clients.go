package metrics

import "github.com/scurrycache/scurry/internal/measure"

// ofClients are about clients' requests. Their stems are Caddy's where that has the same.
var ofClients = []Family{
	{
		Name: "scurry_http_requests_total", Type: counter, Labels: []string{"outcome", "code"},
		Help: "Requests that have ended, by what the cache did and by the class of the status.",
		numbers: func(s *scrape, add addNumber) {
			for o, outcome := range measure.Outcomes {
				for c, class := range measure.Classes {
					// those that come up now and then are there from the beginning
					if n := s.Ended.Requests[o][c]; n > 0 || c >= 2 {
						add(float64(n), outcome, class)
					}
				}
			}
		},
	},
	one("scurry_http_requests_in_flight", gauge, "Connections with a request that isn't answered.",
		func(s *scrape) int { return s.busy }),
	one("scurry_http_connections", gauge, "Connections of clients that are open.",
		func(s *scrape) int { return s.open }),
	{
		Name: "scurry_http_request_duration_seconds", Type: distribution,
		Labels: []string{"outcome"},
		Help:   "Time from a request to the end of its response; up to 1/1024 s counts as 0.",
		histograms: byOutcome(func(s *scrape, o int) measure.Distribution {
			return s.Ended.Took[o]
		}),
	},
	{
		Name: "scurry_http_response_duration_seconds", Type: distribution,
		Labels: []string{"outcome"},
		Help:   "Time from a request to the first byte; up to 1/1024 s counts as 0.",
		histograms: byOutcome(func(s *scrape, o int) measure.Distribution {
			return s.Ended.First[o]
		}),
	},
	{
		Name: "scurry_http_response_size_bytes", Type: distribution, Labels: []string{"source"},
		Help:       "Bytes of content that responses had, by where they came from.",
		histograms: sizes,
	},
	one("scurry_http_request_errors_total", counter,
		"Requests that got an error since the origin couldn't answer.",
		func(s *scrape) int64 { return s.Failures }),
	one("scurry_http_requests_refused_total", counter,
		"Requests that were refused before they were understood.",
		func(s *scrape) int64 { return s.Config.Refused() }),
	{
		Name: "scurry_http_connections_refused_total", Type: counter, Labels: []string{"limit"},
		Help: "Connections that a limit has kept out, by the limit.",
		numbers: func(s *scrape, add addNumber) {
			many, ofClient := s.RefusedConnections()
			add(float64(many), "connections")
			add(float64(ofClient), "client_connections")
		},
	},
	{
		Name: "scurry_http_requests_limited_total", Type: counter, Labels: []string{"limit"},
		Help: "Requests that a limit has kept out, by the limit.",
		numbers: func(s *scrape, add addNumber) {
			r := &s.Stats.Refused
			add(float64(r.Requests), "requests")
			add(float64(r.ClientRate), "client_rate")
			add(float64(r.Origin), "origin_requests")
			add(float64(r.ReadOnly), "read_only")
		},
	},
	one("scurry_http_responses_aborted_total", counter,
		"Responses that were cut, by either side.",
		func(s *scrape) int64 { return s.Ended.Aborted }),
}

func byOutcome(read func(*scrape, int) measure.Distribution) func(*scrape, addHistogram) {
	return func(s *scrape, add addHistogram) {
		for o, outcome := range measure.Outcomes {
			add(seconds(read(s, o)), outcome)
		}
	}
}

func sizes(s *scrape, add addHistogram) {
	for i, source := range measure.Sources {
		h := histogram{sum: float64(s.Ended.Bytes[i]), buckets: map[float64]uint64{}}
		for j, n := range s.Ended.Sizes[i] {
			if h.count += n; j < len(measure.Sizes) {
				h.buckets[float64(measure.Sizes[j])] = h.count
			}
		}
		add(h, source)
	}
}
