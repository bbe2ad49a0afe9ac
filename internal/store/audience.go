package store

import "sync"

// audiences are those who wait for the flights that are on their way. A flight that finds no room
// for its body waits for it, but for clients only: a peer that waits for the same flight is
// refused, no matter which began it, and loads by itself. The zero value is ready for use.
type audiences struct {
	mu    sync.Mutex
	byKey map[string]*audience // guarded by mu, as is what they are
}

// audience is those who wait for one flight.
type audience struct {
	all, clients int
	full         bool          // the flight has found no room
	refused      chan struct{} // closed then
}

// join counts one in who is about to wait for the flight with that key; leave must follow. A peer
// is to wait no more once refused is closed.
func (s *audiences) join(key string, peer bool) (refused <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byKey[key]
	if a == nil {
		if s.byKey == nil {
			s.byKey = map[string]*audience{}
		}
		a = &audience{refused: make(chan struct{})}
		s.byKey[key] = a
	}
	if a.all++; peer {
		return a.refused
	}
	a.clients++
	return nil
}

func (s *audiences) leave(key string, peer bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byKey[key]
	if !peer {
		a.clients--
	}
	if a.all--; a.all == 0 {
		delete(s.byKey, key)
	}
}

// refusePeers ends the waiting of peers for a flight that has found no room. It reports whether
// clients wait for it.
func (s *audiences) refusePeers(key string) (clients bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byKey[key]
	if a == nil {
		return false
	}
	if !a.full {
		a.full = true
		close(a.refused)
	}
	return a.clients > 0
}
