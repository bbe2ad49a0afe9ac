package store

import "errors"

// After a validation that failed, the stored response rests for RetryAfter: who accepts it as it is
// gets it without another try, on all nodes, since its owner answers the others in the same way.
// The flight notes the failure before it ends, so that no other flight can begin in between.

// Postpone notes that rec couldn't be validated, and that this is not to be tried again for a
// while.
func (s *Store) Postpone(rec *Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// else the flight has noted it, and more
	if now := s.successor(rec); now != nil && !now.rests(s.cfg.Now()) {
		s.postponeLocked(now, nil)
	}
}

// failed notes err if it is a verdict on the validation of rec, which may be nil.
func (s *Store) failed(rec *Record, err error) {
	if failure, ok := errors.AsType[*Failure](err); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.postponeLocked(rec, failure)
	}
}

// failedLocked returns the verdict on the validation of f.prev, if that has failed since f's asker
// looked at it: the asker shares it like one who has waited for it. An asker who knew of the
// failure wants the origin to be tried again.
func (s *Store) failedLocked(f *flight) *Failure {
	if f.prev == nil || f.req.Alone {
		return nil
	}
	now := s.successor(f.prev)
	if now == nil || now.failure == f.prev.failure || !now.rests(s.cfg.Now()) {
		return nil
	}
	return now.failure
}
