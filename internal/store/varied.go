package store

// A response may say that its resource varies by a field (Vary) after another one, that didn't, has
// been given to other nodes. They would answer from their near copies whatever a request has in
// that field, so the owner has them drop these. One that can't be told has them for a lease.

// variesLocked is called when a record of this node's own has come under e's key. Before that,
// names told the variants apart.
func (s *Store) variesLocked(e *entry, names []string) {
	if s.cfg.Remote == nil || len(merged(names, varyOf(e.variants, true))) == len(names) || !s.begin() {
		return
	}
	key := e.key()
	go func() {
		defer s.work.Done()
		s.cfg.Remote.Varies(key)
	}()
}

// outdatedLocked reports whether what f has brought may be no copy to answer others from: since f
// took off, its resource has turned out to vary.
func (s *Store) outdatedLocked(f *flight) bool {
	return f.varied != s.variedAt(f.req.Key).Load()
}
