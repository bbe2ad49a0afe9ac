package store

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/scurrycache/scurry/internal/fill"
)

// Where a name ends in Locked here, bodies.mu is held.

// tidyLocked drops what is known of the bytes of rec's version if little work finds it out again,
// once no fill reads them.
func (s *Store) tidyLocked(rec *Record) {
	now := s.current(rec)
	if now == nil || now.Length >= 0 && now.Length <= s.cfg.Geometry.Max && !now.Fragments {
		s.forgetLocked(rec.Version)
	}
}

// beginLocked makes a fill of rec's bytes, unless s is closed. A follower that wants w follows it
// if w isn't nil. The caller has the fill read.
func (s *Store) beginLocked(rec *Record, from source, w *wanted) (f *fill.Follower, r *run) {
	if !s.begin() {
		return nil, nil
	}
	r = &run{s: s, rec: rec, source: from}
	if from.relay != nil {
		from.relay.run = r
		from.relay.room = s.rooms.allot()
	}
	if from.ctx == nil {
		r.ctx, r.cancel = context.WithCancel(s.base)
	}
	r.Run = fill.New(r.config())
	r.plain = from.body != nil && !from.part && from.relay == nil
	s.cutLocked(rec, r, from.start, from.body != nil)
	b := s.bodyLocked(rec.Version)
	b.runs = append(b.runs, r)
	s.fills++
	s.begun.at(rec.Version).Add(1)
	s.live.Add(1)
	s.lead.Add(r.lead())
	s.reserve()
	if w != nil {
		f = r.follow(*w)
	}
	return f, r
}

// Done removes a fill. Before that the record learns its length, if the end of the body told it, or
// is dropped, if the fill failed and the rest can't be asked for again: who finds no fill any more
// finds what it has brought.
func (r *run) Done(end int64, err error) {
	s, rec := r.s, r.rec
	defer s.work.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	var trailer http.Header
	switch {
	case err != nil:
	case r.relay != nil:
		trailer = r.relay.trailer
	case r.trailer != nil:
		trailer = r.trailer()
	}
	switch now := s.current(rec); {
	case now == nil || ends(err):
	case now.refetchable() && !errors.Is(err, fill.ErrGone): // what is held is good
	case err != nil || rec.Length < 0 && end > s.maxObject():
		s.dropLocked(rec)
	case now.Length < 0 && rec.Length < 0:
		r.learnLength(end, trailer)
	}
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	r.came = trailer
	b := s.bodyLocked(rec.Version)
	// Nothing of a run may stay: it has the bytes it read, in and out of the chunks group.
	b.runs = slices.DeleteFunc(b.runs, func(other *run) bool { return other == r })
	if len(b.runs) == 0 {
		b.runs = nil
	}
	s.tidyLocked(rec)
	s.lead.Add(-r.lead())
	if s.live.Add(-1); r.relay != nil {
		s.rooms.disallot(r.relay.room)
	}
	s.reserve()
}

// learnLength gives all variants that have r's bytes their length, which the end of the body has
// told, and the trailer. The store's mu is held.
func (r *run) learnLength(length int64, trailer http.Header) {
	var content *[]byte
	if int64(len(r.tail)) == length {
		content = smallContent(r.tail)
	}
	r.s.changeLocked(r.rec.Key, r.rec.sameBytes, func(rec *Record) {
		rec.Trailer, rec.Length, rec.small = trailer, length, content
	})
}

// ends reports whether err, with which a fill has ended, is no fault of the content: nobody wanted
// more, another fill has read it, another node is to be asked, or too many are asking the origin.
func ends(err error) bool {
	return errors.Is(err, fill.ErrAbandoned) || errors.Is(err, fill.ErrBehind) ||
		errors.Is(err, ErrRefused) || noRoom(err)
}
