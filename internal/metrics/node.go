package metrics

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
