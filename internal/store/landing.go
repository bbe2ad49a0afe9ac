package store

import (
	"context"
	"net/http"

	"github.com/scurrycache/scurry/internal/fill"
)

// load is the getter of the records group.
func (s *Store) load(ctx context.Context, _ string) ([]byte, error) {
	f := ctx.Value(flightKey{}).(*flight)
	s.mu.Lock()
	// Another flight may have landed since the asker looked.
	if rec := s.findLocked(f.ask.Key, f.ask.Header); rec != nil && rec.newer(f.prev) && !f.ask.Alone {
		s.mu.Unlock()
		return rec.encode(s.cfg.Now()), nil
	}
	if f.variant == "" && !f.ask.Alone && s.variantLocked(f.ask.Key, f.ask.Header) != "" {
		s.mu.Unlock()
		return nil, errVariantKnown
	}
	generation := s.generations.of(f.ask.Key)
	s.mu.Unlock()

	ctx, cancel := context.WithCancel(s.base)
	got, err := s.cfg.Source.Fetch(ctx, f.ask, f.prev)
	if err != nil {
		cancel()
		return nil, err
	}
	got.Record.Key, got.Record.Generation = f.ask.Key, generation
	var a *Answer
	switch {
	case got.Renewed:
		cancel()
		a = s.renew(f, got)
	case !got.Storable:
		a = s.pass(got, cancel)
	default:
		a = s.fill(ctx, cancel, f, got)
	}
	encoded := a.Record.encode(s.cfg.Now())
	f.settle(a)
	return encoded, nil
}

// renew puts the validated record in the place of the one it was made from.
func (s *Store) renew(f *flight, got *Fetched) *Answer {
	rec := got.Record
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.Version = f.prev.Version
	now := s.currentLocked(f.prev)
	if now != nil {
		rec.Length = now.Length // a fill may have ended meanwhile
		rec.Generation, rec.first = now.Generation, now.first
	}
	switch {
	case now != nil && got.Storable:
		s.replaceLocked(now, rec)
	case now != nil: // this answer may still be made of it, but no other
		s.dropLocked(now)
		fallthrough
	default:
		rec.Prepared = s.cfg.Source.Prepare(rec)
	}
	return &Answer{Record: rec, Renewed: true, Status: http.StatusNotModified}
}

// pass notes that the response isn't stored, so that the next ones don't wait for each other in vain.
func (s *Store) pass(got *Fetched, cancel context.CancelFunc) *Answer {
	rec := got.Record
	rec.Pass = true
	rec.PassUntil = s.cfg.Now().Add(passFor)
	rec.Version = s.version(rec, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec.Generation == s.generations.of(rec.Key) {
		s.installLocked(rec)
	} else {
		rec.Prepared = s.cfg.Source.Prepare(rec)
	}
	return &Answer{Record: rec, Status: rec.Status, Body: &cancelling{got.Body, cancel}}
}

// cancelling is a body whose request ends when it is closed.
type cancelling struct {
	fill.Body
	cancel context.CancelFunc
}

func (c *cancelling) Close() error {
	err := c.Body.Close()
	c.cancel()
	return err
}

// fill stores the response and begins to read its body.
func (s *Store) fill(ctx context.Context, cancel context.CancelFunc, f *flight, got *Fetched) *Answer {
	rec := got.Record
	rec.OneSlab = !rec.refetchable()
	rec.Version = s.version(rec, got.Validator)
	end := s.reach(ctx, rec, 0)
	want := int64(fill.Everything)
	if !f.ask.Whole {
		want = 0
	}

	s.mu.Lock()
	if rec.Generation == s.generations.of(rec.Key) {
		s.installLocked(rec)
	} else {
		rec.Prepared = s.cfg.Source.Prepare(rec)
	}
	a := &Answer{Record: rec, Status: rec.Status}
	if end == 0 || !s.beginLocked() { // there is nothing to read, or it is here already
		if s.currentLocked(rec) == nil {
			s.forgetBodyLocked(rec.Version, "")
		}
		s.mu.Unlock()
		cancel()
		_ = got.Body.Close()
		return a
	}
	run := s.runLocked(rec, got.Body, 0, end, want)
	if f.ask.Whole || !rec.refetchable() {
		a.follower, _ = run.Follow(0, fill.Everything, fill.Everything)
	}
	s.mu.Unlock()
	run.Start(ctx, cancel)
	return a
}
