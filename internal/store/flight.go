package store

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// flight is one request on its way through the records group, which loads it if it is the first
// with its key. It hands the result to its audience, and the group gets no bytes.
type flight struct {
	s    *Store
	req  Request
	prev *Record

	variant string      // "" if it wasn't known what selects
	arrived Moment      // when it took off
	began   Moment      // when the origin, or the owner, was asked
	varied  int64       // how often its key had turned out to vary when it took off
	verdict error       // the owner's, which this node shares
	interim chan func() // interim responses (RFC 9110 section 15.2), for its caller
	key     string      // in the records group
	done    chan error
	refused <-chan struct{} // closed when it mustn't wait any more; nil for a client's

	audience *audience
	answer   atomic.Pointer[Result] // if it was this flight that was loaded; or taken
}

// taken is the answer of a flight whose caller has its answer, or has gone.
var taken = &Result{}

// Fetch is groups.Loader's.
func (f *flight) Fetch(context.Context) ([]byte, error) { return nil, f.s.fetchRecord(f) }

// Load is groups.Loader's.
func (f *flight) Load(context.Context) ([]byte, error) { return nil, f.s.load(f) }

// maxInterim bounds the interim responses that wait for the goroutine that called Fetch. More are
// lost.
const maxInterim = 128

// newFlight makes a flight for req, which found prev wanting. Interim responses go through a
// channel to the goroutine that waits for the flight; the sender never waits.
func (s *Store) newFlight(req *Request, prev *Record, variant string) *flight {
	f := &flight{s: s, req: *req, prev: prev, variant: variant, done: make(chan error, 1)}
	f.varied = s.variedAt(req.Key).Load()
	var mark invalidation.Mark
	f.arrived, mark = s.takeOff(req.Key)
	f.key = s.flightKey(f, mark)
	if req.Inform == nil {
		return f
	}
	f.interim = make(chan func(), maxInterim)
	f.req.Inform = func(status int, header http.Header) {
		select {
		case f.interim <- func() { req.Inform(status, header) }:
		default:
		}
	}
	return f
}

// flightKey returns the key of f's request in the records group. Requests with the same key share a
// result.
func (s *Store) flightKey(f *flight, mark invalidation.Mark) string {
	req := &f.req
	key := s.records.Prefix() + s.routingKey(req.Key) + ".0." +
		strconv.FormatUint(uint64(mark), 36) + "." + digest(req.Key, f.variant)
	if s.ownerOf(req.Key) != "" && f.prev.isCurrent(s.cfg.Now()) {
		// An owner answers at once with what it has stored, but not a node that has the same
		// already. A request of a node that hasn't mustn't wait for the other kind.
		key += ".validate"
	}
	if req.Head {
		key += ".head"
	}
	if req.Ranged {
		key += "." + digest(req.Header["Range"]...)
	}
	if req.Alone || req.Stored { // that nothing is stored for one says nothing of the others
		key += "." + rand.Text()
	}
	return key
}

// exchange is a response of the Source, with the mark of its version, and what a fill of its body
// reads.
type exchange struct {
	*OriginResponse
	mark invalidation.Mark
	source
}

// errAgain ends a flight, or the waiting for one, whose request is to take off once more.
var errAgain = errors.New("the request is to be made once more")
