package store

import (
	"sync"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// audiences are the requests that wait for flights, by the flights' keys. A flight whose body finds
// no room waits for room, but for clients only: a peer's request that waits for the same flight is
// refused, whichever request began it, and the peer loads by itself.
type audiences struct {
	mu    sync.Mutex
	byKey map[string]*audience // guarded by mu, as is what they are
}

// audience is the requests that wait for one flight, and what that flight has brought.
type audience struct {
	flights, clients int           // flights with its key, and clients that still wait
	full             bool          // the flight has found no room
	refused          chan struct{} // closed then, for peers

	brought Result             // its Record, Found and Peer
	began   invalidation.Token // when the origin, or the owner, was asked
}

// join adds f, which is about to take off, to the audience of its key. It must be followed by leave
// and by land.
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

// leave notes that the request that f was made for doesn't wait any more. It closes an answer that
// nobody has taken.
func (s *audiences) leave(f *flight) {
	s.mu.Lock()
	if f.refused == nil {
		f.audience.clients--
	}
	s.mu.Unlock()
	if answer := f.answer.Swap(taken); answer != nil {
		answer.Close()
	}
}

// land notes that f is over, which may be long after leave.
func (s *audiences) land(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.audience.flights--; f.audience.flights == 0 {
		delete(s.byKey, f.key)
	}
}

// bring answers f with res, or closes res if nobody waits for it. All other requests in the
// audience share its record.
func (s *audiences) bring(f *flight, res *Result) {
	s.mu.Lock()
	a := f.audience
	a.brought = Result{Record: res.Record, Found: res.Found, Peer: res.Peer, Collapsed: true}
	a.began = f.began.Token
	if a.full { // there is room again for those who come
		a.full, a.refused = false, make(chan struct{})
	}
	s.mu.Unlock()
	if !f.answer.CompareAndSwap(nil, res) {
		res.Close()
	}
}

// shared returns what another flight with f's key has brought, and when that flight began.
func (s *audiences) shared(f *flight) (Result, invalidation.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.audience.brought, f.audience.began
}

// refusePeers refuses the peers that wait for f, which has found no room. It reports whether
// clients wait for it.
func (s *audiences) refusePeers(f *flight) (clients bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := f.audience; !a.full {
		a.full = true
		close(a.refused)
	}
	return f.audience.clients > 0
}
