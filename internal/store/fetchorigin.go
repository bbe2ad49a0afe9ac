package store

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"

	"github.com/scurrycache/scurry/internal/fill"
)

// load gets what a flight is for from the origin, or from a flight that has just landed.
func (s *Store) load(f *flight) error {
	if f.verdict != nil {
		return f.verdict
	}
	if f.req.Stored {
		return ErrNone
	}
	f.began = s.log.Now()
	s.mu.Lock()
	// Another flight may have landed since the asker looked.
	if rec, mustRevalidate := s.findLocked(f.req.Key, f.req.Header, f.req.Head); rec != nil &&
		!mustRevalidate && rec.newer(f.prev) && !f.req.Alone && f.req.takes(rec) &&
		s.cfg.answers(rec, cmp.Or(f.req.Target, f.req.Key)) {
		s.mu.Unlock()
		s.audiences.bring(f, Result{Record: rec})
		return nil
	}
	if f.variant == "" && !f.req.Alone && s.variant(f.req) != "" {
		s.mu.Unlock()
		return errVariantKnown
	}
	if f.prev != nil && s.successor(f.prev) == nil && s.doomed(f.prev) {
		f.prev = nil // it was found just before it was removed
	}
	if failed := s.failedLocked(f); failed != nil {
		s.mu.Unlock()
		return failed
	}
	f.req = s.amongLocked(f)
	s.mu.Unlock()

	x, err := s.fetchFromOrigin(f)
	if err == nil {
		if err = s.admit(f, x); err != nil {
			x.cancel()
			_ = x.Body.Close()
		}
	}
	if err != nil {
		s.failed(f.prev, err)
		return err
	}
	if x.Record.outdates(f.prev) {
		s.drop(f.prev)
	}
	var res *Result
	switch {
	case x.Variant != nil:
		x.cancel()
		res = s.shareVersion(x)
	case x.Renewed:
		x.cancel()
		res = s.renew(f, x)
	case !x.Storable || s.Streams(x.Record):
		res = s.pass(f, x)
	case f.req.Head:
		res = s.keepHead(f, x)
	default:
		res = s.fill(f, x)
		if f.prev != nil && f.prev.Key != res.Record.Key {
			s.drop(f.prev) // the origin has another rule by now
		}
	}
	s.audiences.bring(f, *res)
	f.settle(res)
	return nil
}

// fetchFromOrigin asks the Source, and makes its answer ready for the table. Whatever the Source
// panics with, nothing is left behind.
func (s *Store) fetchFromOrigin(f *flight) (x *exchange, err error) {
	ctx, cancel := context.WithCancel(f.Context)
	var got *OriginResponse
	defer func() {
		if x == nil {
			if got != nil && got.Body != nil {
				_ = got.Body.Close()
			}
			cancel()
		}
	}()
	if got, err = s.cfg.Source.Fetch(ctx, f.toOrigin(), f.prev); err != nil {
		return nil, err
	}
	rec := got.Record
	if rec.Details == nil {
		rec.Details = &Details{}
	}
	rec.Revision, rec.failure = rand.Uint64(), nil
	if f.req.Head && !got.Renewed {
		rec.HeadOnly = true
	}
	rec.setImprint(imprintOf(f.req.Header))
	rec.ringEpoch = s.ringEpoch()                  // before the owner is looked for
	if rec.Lease = 0; s.ownerOf(f.req.Key) != "" { // this node stands in for the owner
		rec.Lease = Until(s.cfg.Now().Add(s.cfg.Lease))
	}
	rec.Rangeable = rec.Rangeable && rec.Length < MaxLength
	mark, removed := s.land(rec, f.req.Key, f.began.Token)
	if removed {
		got.Validator = ""
	}
	s.adopt(f.req.Key, rec)
	return &exchange{got, mark, ctx, cancel}, nil
}

// renew puts the validated record in the place of the one it was made from.
func (s *Store) renew(f *flight, x *exchange) *Result {
	rec := x.Record
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.Version = f.prev.Version
	now := s.successor(f.prev)
	if now != nil {
		rec.Length = now.Length // a fill may have ended meanwhile
	}
	switch {
	case now != nil && x.Storable && !s.overtaken(rec):
		s.supersedeLocked(now, rec)
	case now != nil: // this answer may still be made of it, but no other
		s.withdrawLocked(now)
	}
	res := &Result{Record: rec, Renewed: true, Status: http.StatusNotModified}
	if f.req.Head && !rec.HeadOnly {
		res.Status = http.StatusOK
	}
	return res
}

// keepHead stores the answer to a HEAD, unless a GET has been asked and answered meanwhile, which
// says more.
func (s *Store) keepHead(f *flight, x *exchange) *Result {
	rec := x.Record
	x.cancel()
	_ = x.Body.Close()
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

// pass notes that the response isn't stored, so that the next ones don't wait for each other in
// vain. What is stored for other requests than this one stays, and comes first.
func (s *Store) pass(f *flight, x *exchange) *Result {
	rec := x.Record
	rec.Pass = true
	rec.PassUntil = Until(s.cfg.Now().Add(passFor))
	rec.Version = s.version(rec, "", 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec.Status >= http.StatusInternalServerError {
		// the answer is for the one who asked, the others have what is stored
		s.postponeLocked(f.prev, nil)
	} else if !x.Private && !s.overtaken(rec) {
		if f.prev != nil && rec.takesBack(f.prev) {
			s.withdrawLocked(f.prev)
		}
		s.installLocked(rec)
	}
	return &Result{Record: rec, Status: rec.Status, Body: &cancelling{x.Body, x.cancel},
		Trailer: x.Trailer}
}

// fill stores the response and begins to read its body.
func (s *Store) fill(f *flight, x *exchange) *Result {
	rec := x.Record
	rec.OneSlab = !rec.refetchable()
	rec.Version = s.version(rec, x.Validator, x.mark)
	res := &Result{Record: rec, Status: rec.Status}
	if x.To > 0 {
		s.fillFragment(x, f.req.Fields)
		return res
	}
	from := source{
		body: x.Body, trailer: x.Trailer, by: f.req.Fields, wanted: f.req.Background,
	}
	if run := s.install(f, rec, true, from, res, s.reach(x.ctx, rec, 0, true)); run != nil {
		run.Start(x.ctx, x.cancel)
	} else {
		x.cancel()
		_ = x.Body.Close()
	}
	return res
}

// install puts rec into the table, if it is to be kept and hasn't been invalidated meanwhile, and
// returns a fill for its bytes up to end; none if they are being read, or here already, or there
// are none. For one who is to read them from the start, a follows the fill.
func (s *Store) install(
	f *flight, rec *Record, keep bool, from source, res *Result, end int64,
) *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	if keep && !s.overtaken(rec) && !s.outdatedLocked(f) {
		s.installLocked(rec)
	}
	follows, joined := f.req.Whole || !rec.refetchable(), false
	if follows {
		res.follower, res.run, joined = s.joinLocked(rec, f.req.Cause, 0, fill.Everything,
			fill.Everything, f.req.For != "")
	}
	if joined || end == 0 || !s.begin() {
		s.tidyLocked(rec)
		return nil
	}
	want := int64(0)
	if f.req.Whole && !from.relay.where().active() {
		want = fill.Everything
	}
	run := s.runLocked(rec, from, 0, end, want)
	if follows {
		res.run = run
		res.follower, _ = run.FollowFor(f.req.Cause, 0, fill.Everything,
			s.aheadOf(from.relay.where(), fill.Everything))
	}
	return run
}

// admit waits until fills have room for the body of x, which f has brought, if it is to be stored
// and clients wait for it.
func (s *Store) admit(f *flight, x *exchange) error {
	length := x.Record.Length
	if x.Body == nil || !x.Storable || f.req.Head || s.Streams(x.Record) || x.Variant != nil ||
		x.Renewed || length >= 0 && length <= s.rooms.small {
		return nil
	}
	err := s.rooms.wait(f, true)
	if err != nil && s.audiences.refusePeers(f) {
		return s.rooms.wait(f, false)
	}
	return err
}

// fillFragment reads the part of the content that x is.
func (s *Store) fillFragment(x *exchange, by Fields) {
	rec := x.Record
	rec.Fragments = true
	s.mu.Lock()
	if !s.overtaken(rec) {
		s.installLocked(rec)
	}
	var run *run
	if held, _, joined := s.joinLocked(rec, by.Cause, x.From, x.To, 0, true); joined {
		held.Close()
	} else if s.begin() {
		from := source{body: x.Body, part: true, by: by, wanted: true}
		run = s.runLocked(rec, from, x.From, x.To, fill.Everything)
	} else {
		s.forgetBodyLocked(rec.Version)
	}
	s.mu.Unlock()
	if run != nil {
		run.Start(x.ctx, x.cancel)
		return
	}
	x.cancel()
	_ = x.Body.Close()
}
