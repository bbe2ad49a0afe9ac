package store

// A response may say by Vary that its resource varies, after an earlier response that didn't say so
// was given to other nodes. They would answer all requests from their near copies. So the owner has
// them drop these. A node that can't be told keeps them for a lease.

// variesLocked tells the other nodes if a key, which this node owns, has turned out to vary by more
// than names.
func (s *Store) variesLocked(key string, names []string) {
	same := len(merged(names, s.vary(key, true))) == len(names)
	if s.cfg.Remote == nil || same || !s.begin() {
		return
	}
	go func() {
		defer s.work.Done()
		s.cfg.Remote.Notify(&VariesRequest{key})
	}()
}

// outdatedLocked reports whether the resource of f has turned out to vary since f took off. Then
// the result of f mustn't answer other requests.
func (s *Store) outdatedLocked(f *flight) bool {
	return f.varied != s.variedAt(f.req.Key).Load()
}
