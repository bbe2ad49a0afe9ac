package store

import (
	"sync"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// audiences are those who wait for the flights that are on their way, by the flights' keys. A flight
// that finds no room for its body waits for it, but for clients only: a peer that waits for the same
// flight is refused, no matter which began it, and loads by itself.
type audiences struct {
	mu    sync.Mutex
	byKey map[string]*audience // guarded by mu, as is what they are
}

// audience is those who wait for one flight, and what that has brought.
type audience struct {
	flights, clients int           // that have taken off with its key, and that still wait
	full             bool          // the flight has found no room
	refused          chan struct{} // closed then: a peer is to wait no more

	brought Result             // its Record, Found and Peer
	began   invalidation.Token // when the origin, or the owner, was asked
}

// join counts f in, which is about to take off. leave must follow, and land.
func (s *audiences) join(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.byKey[f.key]
	if !ok {
		a = &audience{refused: make(chan struct{})}
		s.byKey[f.key] = a
	}
	a.flights++
	if f.audience = a; f.req.ForPeer {
		f.refused = a.refused
	} else {
		a.clients++
	}
}

// leave notes that the one who asked for f waits no more, and closes an answer that isn't taken.
func (s *audiences) leave(f *flight) {
	s.mu.Lock()
	if f.left = true; f.refused == nil {
		f.audience.clients--
	}
	answer := f.answer
	s.mu.Unlock()
	if answer != nil {
		answer.Close()
	}
}

// land notes that f is over. It may have gone on after leave.
func (s *audiences) land(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.audience.flights--; f.audience.flights == 0 {
		delete(s.byKey, f.key)
	}
}

// bring answers f with res, or closes that if nobody takes it, and all others who wait with what of it
// they may share.
func (s *audiences) bring(f *flight, res *Result) {
	s.mu.Lock()
	a, left := f.audience, f.left
	a.brought = Result{Record: res.Record, Found: res.Found, Peer: res.Peer, Collapsed: true}
	a.began = f.began.Token
	if !left {
		f.answer = res
	}
	s.mu.Unlock()
	if left {
		res.Close()
	}
}

// take is the answer to f, if its own getter ran; else what has been brought by another flight with its
// key, and when that began.
func (s *audiences) take(f *flight) (answer, shared *Result, began invalidation.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, f.answer = f.answer, nil
	brought := f.audience.brought
	return answer, &brought, f.audience.began
}

// refusePeers ends the waiting of peers for f, which has found no room. It reports whether clients
// wait for it.
func (s *audiences) refusePeers(f *flight) (clients bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := f.audience; !a.full {
		a.full = true
		close(a.refused)
	}
	return f.audience.clients > 0
}
