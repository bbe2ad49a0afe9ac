package store

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/scurrycache/scurry/internal/fill"
)

// load gets the response for a flight from the origin, or from another flight that has just landed.
func (s *Store) load(f *flight) error {
	if f.verdict != nil {
		return f.verdict
	}
	if f.req.Stored {
		return ErrNone
	}
	f.began = s.log.Now()
	if rec, err := s.learnt(f); rec != nil || err != nil {
		if err == nil {
			s.audiences.bring(f, &Result{Record: rec, Collapsed: true})
		}
		return err
	}
	x, err := s.fetchFromOrigin(f)
	var res *Result
	switch {
	case err != nil:
	case x.Renewed:
		res = s.renew(f, x)
	case !x.Storable || s.Streams(x.Record):
		res = s.pass(f, x)
	case f.req.Head:
		res = s.keepHead(f, x)
	default:
		res, err = s.fill(f, x)
	}
	if err != nil {
		s.failed(f.prev, err)
		return err
	}
	s.audiences.bring(f, res)
	return nil
}

// learnt returns the record that f asks for, or the reason why there is none, if another flight has
// landed since f's request looked. If it returns neither, it has made f ready to ask the origin.
func (s *Store) learnt(f *flight) (*Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, mustRevalidate := s.findLocked(f.req.Key, f.req.Header, f.req.Head)
	if rec != nil && !mustRevalidate && rec.newer(f.prev) && !f.req.Alone && f.req.takes(rec) &&
		s.cfg.answers(rec, cmp.Or(f.req.Target, f.req.Key)) {
		return rec, nil
	}
	if f.variant == "" && !f.req.Alone && s.variant(&f.req) != "" {
		return nil, errAgain // it is known by now what selects; the variant may be on its way
	}
	if f.prev != nil && s.successor(f.prev) == nil && s.overtaken(f.prev) {
		f.prev = nil // it was found just before it was removed
	}
	if failed := s.failedLocked(f); failed != nil {
		return nil, failed
	}
	s.amongLocked(f)
	return nil, nil
}

// fetchFromOrigin asks the Source, and makes its response ready for the table. If the Source
// panics, the exchange is closed all the same.
func (s *Store) fetchFromOrigin(f *flight) (*exchange, error) {
	x, ready := &exchange{}, false
	x.by, x.wanted = f.req.Fields, f.req.Background
	x.ctx, x.cancel = context.WithCancel(s.base)
	defer func() {
		if !ready {
			x.drop()
		}
	}()
	if _, ok := s.cfg.Source.(interface{ AwaitsByTask() }); !ok {
		f.task.Detach()
	}
	var err error
	x.OriginResponse, err = s.cfg.Source.Fetch(f.task.Context(x.ctx), &f.req, f.prev)
	if err != nil {
		return nil, err
	}
	x.body, x.trailer = x.Body, x.Trailer
	rec := x.Record
	rec.Revision, rec.failure = rand.Uint64(), nil
	if f.req.Head && !x.Renewed {
		rec.HeadOnly = true
	}
	rec.standing = standing{asking: askingOf(imprintOf(f.req.Header), rec.asking.selecting())}
	rec.ringEpoch = s.RingEpoch()   // before the owner is looked for
	if s.ownerOf(f.req.Key) != "" { // this node stands in for the owner
		rec.Lease = s.in(s.cfg.Lease)
	}
	rec.Rangeable = rec.Rangeable && rec.Length < MaxLength
	groups := rec.Groups
	if old := cmp.Or(x.Variant, f.prev); x.Renewed && old != nil { // it may have been in others
		groups = slices.Concat(groups, old.Groups)
	}
	var named bool
	if x.mark, named = s.land(rec, f.req.Key, groups, f.began.Token); !named {
		x.Validator = ""
	}
	s.adopt(f.req.Key, rec)
	if rec.outdates(f.prev) {
		s.drop(f.prev)
	}
	ready = true
	return x, nil
}

// renew stores the record that the origin's response has made of a stored one, in the place of
// f.prev or beside another variant. Both have the same bytes.
func (s *Store) renew(f *flight, x *exchange) *Result {
	x.drop()
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, now := x.Record, (*Record)(nil)
	if x.Variant != nil {
		rec.Version, now = x.Variant.Version, s.current(x.Variant)
	} else {
		rec.Version, now = f.prev.Version, s.successor(f.prev)
	}
	if now != nil {
		rec.Length = now.Length // a fill may have ended meanwhile
	}
	switch stored := x.Storable && now != nil && !s.overtaken(rec); {
	case stored && x.Variant != nil:
		s.installLocked(rec)
	case stored:
		s.supersedeLocked(now, rec)
	case now != nil && x.Variant == nil: // no other answer may be made of it
		s.withdrawLocked(now)
	}
	res := &Result{Record: rec, Renewed: true, Status: http.StatusNotModified}
	if f.req.Head && !rec.HeadOnly {
		res.Status = http.StatusOK
	}
	return res
}

// keepHead stores the answer to a HEAD, unless a GET has been answered meanwhile, which says more.
func (s *Store) keepHead(f *flight, x *exchange) *Result {
	rec := x.Record
	x.drop()
	rec.Version = s.version(rec, "", 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	got, _ := s.findLocked(rec.Key, f.req.Header, false)
	later := got != nil && !got.Pass && got.newer(f.prev) && got.RequestTime >= rec.RequestTime
	if !later && !s.overtaken(rec) {
		s.installLocked(rec)
	}
	return &Result{Record: rec, Status: rec.Status}
}

// pass notes that the response isn't stored, so that the next requests don't wait for each other
// without gain. What is stored for other requests stays, and is preferred.
func (s *Store) pass(f *flight, x *exchange) *Result {
	rec := x.Record
	rec.Pass = true
	rec.PassUntil = s.in(passFor)
	rec.Version = s.version(rec, "", 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec.Status >= http.StatusInternalServerError {
		// the answer is for this request alone; the others have what is stored
		s.postponeLocked(f.prev, nil)
	} else if !x.Private && !s.overtaken(rec) {
		if f.prev != nil && rec.takesBack(f.prev) {
			s.withdrawLocked(f.prev)
		}
		s.installLocked(rec)
	}
	return &Result{
		Record: rec, Status: rec.Status, Body: x.Body, cancel: x.cancel, Trailer: x.Trailer,
	}
}

// fill waits for room for the response's body, stores the response, and begins to read the body.
func (s *Store) fill(f *flight, x *exchange) (*Result, error) {
	if err := s.admit(f, x); err != nil {
		x.drop()
		return nil, err
	}
	rec := x.Record
	rec.OneSlab = !rec.refetchable()
	rec.Version = s.version(rec, x.Validator, x.mark)
	res := &Result{Record: rec, Status: rec.Status}
	if rec.Fragments = x.To > 0; rec.Fragments {
		x.start, x.end, x.want = x.From, x.To, fill.Everything
		x.part, x.wanted, x.trailer = true, true, nil
	} else if x.end = s.reach(rec, 0, true); f.req.Whole {
		x.want = fill.Everything
	}
	s.install(f, res, true, x.source)
	if f.prev != nil && f.prev.Key != rec.Key {
		s.drop(f.prev) // the origin has another rule by now
	}
	return res, nil
}

// install puts res's record into the table, if it is to be kept and hasn't been invalidated
// meanwhile, and begins a fill, unless its bytes are being read or held already, or there are none.
// The fill reads on f's goroutine once f is over. If f's request wants the content from the start,
// res follows the fill. Who finds the record finds the fill.
func (s *Store) install(f *flight, res *Result, keep bool, from source) {
	var begun bool
	begin := func() { begun = s.fillFor(f, res, from) }
	s.mu.Lock()
	if keep && !s.overtaken(res.Record) && !s.outdatedLocked(f) {
		s.insertLocked(res.Record, nil, begin)
	} else {
		begin()
	}
	s.mu.Unlock()
	if begun {
		f.begun = res.run
	} else {
		from.drop()
	}
}

// fillFor begins install's fill, or follows another one.
func (s *Store) fillFor(f *flight, res *Result, from source) (begun bool) {
	w := &wanted{who: f.req.Cause, localOnly: f.req.ForPeer, Wanted: fill.Wanted{
		Off: from.start, Stop: fill.Everything, Ahead: fill.Everything,
	}}
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	switch {
	case from.part:
		w.Stop, w.Ahead, w.localOnly = from.end, 0, true
		if held, _ := s.joinLocked(res.Record, *w); held != nil {
			held.Close()
			return false
		}
		w = nil
	case !f.req.Whole && res.Record.refetchable():
		w = nil
	default:
		if res.follower, res.run = s.joinLocked(res.Record, *w); res.run != nil {
			return false
		}
	}
	if from.end != 0 {
		res.follower, res.run = s.beginLocked(res.Record, from, w)
	}
	return res.run != nil
}

// admit waits for room for x's body, which is to be stored, if clients wait for it.
func (s *Store) admit(f *flight, x *exchange) error {
	if length := x.Record.Length; length >= 0 && length <= s.rooms.small {
		return nil
	}
	err := s.rooms.wait(x.ctx, 0)
	if err != nil && s.audiences.refusePeers(f) {
		f.task.Detach()
		return s.rooms.wait(x.ctx, waitRoom)
	}
	return err
}
