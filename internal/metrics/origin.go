package metrics

import "github.com/scurrycache/scurry/internal/measure"

// ofOrigin are about requests to the origin.
var ofOrigin = []Family{
	one("scurry_origin_requests_total", counter, "Requests to the origin.",
		func(s *scrape) int64 { return s.OriginRequests }),
	one("scurry_origin_errors_total", counter,
		"Requests to the origin that got no usable response.",
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
