package store

import "cmp"

// fits reports whether a record that another node sent may be one of key's: whatever it says, the
// origin is asked for nothing else.
func (s *Store) fits(rec *Record, key string) bool {
	url := cmp.Or(rec.URL, key)
	return url == key || s.cfg.Keys.Check(url) == nil && s.canonical(url) == s.canonical(key)
}

// adopt makes a record that was decoded one of key's.
func (s *Store) adopt(key string, rec *Record) {
	url := cmp.Or(rec.URL, key)
	if rec.Key, rec.URL = s.cfg.Keys.KeyOf(url, rec.Header()), url; rec.Key == url {
		rec.URL = ""
	}
	if rec.ringEpoch == 0 {
		rec.ringEpoch = s.ringEpoch()
	}
	if rec.first == "" && rec.Version != "" {
		s.name(rec)
	}
	s.cfg.prepare(rec)
}
