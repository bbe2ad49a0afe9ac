package store

import "errors"

// After a validation that failed, the stored response rests for RetryAfter: requests that accept it
// as it is get it without another try. That is so on all nodes, since its owner answers the others
// in the same way. The flight notes the failure before it ends, so that no other flight can begin
// in between.

// Postpone notes that rec couldn't be validated, so that this isn't tried again for a while.
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

// failedLocked returns the verdict on the validation of f.prev, if that has failed since f's caller
// looked at it: it shares the verdict as if it had waited for it. A caller that knew of the failure
// wants the origin to be asked again.
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
