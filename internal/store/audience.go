package store

import (
	"sync"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/workers"
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

	brought Result             // its Record, Found, Peer, Chunk and Shared
	began   invalidation.Token // when the origin, or the owner, was asked
}

// join adds f, which is about to take off, to the audience of its key, and reports whether it is
// the only flight with that. It must be followed by leave and by land.
func (s *audiences) join(f *flight) (only bool) {
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
	return a.flights == 1
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
	a.brought = Result{Record: res.Record, Found: res.Found, Peer: res.Peer, Chunk: res.Chunk,
		Collapsed: true, Shared: f.req.Span}
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

// flight is one request on its way through the records group, which loads it if it is the first
// with its key. It hands the result to its audience, and the group gets no bytes.
type flight struct {
	s    *Store
	req  Request
	prev *Record

	variant string   // "" if it wasn't known what selects
	arrived Moment   // when it took off
	began   Moment   // when the origin, or the owner, was asked
	varied  int64    // how often its key had turned out to vary when it took off
	verdict error    // the owner's, which this node shares
	interim interims // for its caller (RFC 9110 section 15.2)
	key     string   // in the records group
	route   string   // the routing key of what it brings
	done    chan error
	refused <-chan struct{} // closed when it mustn't wait any more; nil for a client's

	task     *workers.Task // that it is, if its caller waits for it
	audience *audience
	answer   atomic.Pointer[Result] // if it was this flight that was loaded; or taken
	begun    *run                   // then, if it has begun a fill
}

// taken is the answer of a flight whose caller has its answer, or has gone.
var taken = &Result{}
