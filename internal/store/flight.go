package store

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// Fetch is groups.Loader's.
func (f *flight) Fetch(context.Context) ([]byte, error) { return nil, f.s.fetchRecord(f) }

// Load is groups.Loader's.
func (f *flight) Load(context.Context) ([]byte, error) { return nil, f.s.load(f) }

// newFlight makes a flight for req, which found prev wanting.
func (s *Store) newFlight(req *Request, prev *Record, variant string) *flight {
	f := &flight{s: s, req: *req, prev: prev, variant: variant, done: make(chan error, 1)}
	f.varied = s.variedAt(req.Key).Load()
	var mark invalidation.Mark // requests with equal marks may share a result
	f.arrived, mark = s.log.Begin(s.resource(req.Key, nil))
	f.route = s.route(req.Key)
	f.key = s.flightKey(f, mark)
	if req.Inform != nil {
		tell := f.interim.tellBy(req.Inform)
		f.req.Inform = func(status int, header http.Header) {
			f.task.Detach() // its client may be slow to take that
			tell(status, header)
		}
	}
	return f
}

// flightKey returns the key of f's request in the records group. Requests with the same key share a
// result.
func (s *Store) flightKey(f *flight, mark invalidation.Mark) string {
	req := &f.req
	key := s.records.Prefix() + f.route + "." + strconv.FormatUint(uint64(mark), 36) + "." +
		digest(req.Key, f.variant)
	if s.trusts(f.prev) && s.ownerBy(f.route) != "" {
		// An owner answers at once with what it has stored, but not a node that has the same
		// already. A request of a node that hasn't mustn't wait for the other kind.
		key += ".validate"
	}
	if req.Warm && s.ownerBy(f.route) != "" { // it takes as long as the content does
		key += ".warm"
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
