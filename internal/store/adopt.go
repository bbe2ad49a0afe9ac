package store

import "cmp"

// fits reports whether a record that another node sent can be one of key's. A record that fits
// leads to no request to the origin for another resource than key's.
func (s *Store) fits(rec *Record, key string) bool {
	url := cmp.Or(rec.URL, key)
	return url == key || s.cfg.Keys.Check(url) == nil && s.canonical(url) == s.canonical(key)
}

// adopt gives a record that was decoded, or has come from the Source, the cache key that it belongs
// under, and prepares it.
func (s *Store) adopt(key string, rec *Record) {
	url := cmp.Or(rec.URL, key)
	if rec.Key, rec.URL = s.cfg.Keys.KeyOf(url, rec.Header()), url; rec.Key == url {
		rec.URL = ""
	}
	if rec.ringEpoch == 0 {
		rec.ringEpoch = s.RingEpoch()
	}
	if rec.first == "" && rec.Version != "" {
		s.name(rec)
	}
	s.cfg.prepare(rec)
}
