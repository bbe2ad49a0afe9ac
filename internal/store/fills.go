package store

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

// Where a name ends in Locked here, bodies.mu is held.

// tidy drops what is known of the bytes of rec's version if little work finds it out again,
// once no fill reads them.
func (s *Store) tidy(rec *Record) {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	s.tidyLocked(rec)
}

func (s *Store) tidyLocked(rec *Record) {
	now := s.current(rec)
	if now == nil || now.Length >= 0 && now.Length <= s.cfg.Geometry.Max && !now.Fragments {
		s.forgetLocked(rec.Version)
	}
}

// runLocked makes a fill of rec's bytes [off, end). It must be started.
func (s *Store) runLocked(rec *Record, from source, off, end int64, want int64) *run {
	r := &run{s: s, rec: rec, relay: from.relay.where(), trailer: from.trailer, by: from.by}
	cfg := s.fillConfig(r, rec, from)
	cfg.Start, cfg.End, cfg.Border = off, end, s.border(r, rec, from, end)
	if cfg.Want = want; cfg.Pinned {
		cfg.Want = fill.Everything
	}
	if from.relay != nil {
		from.relay.arrange(&cfg)
		from.relay.run = r
		r.trailer = func() http.Header { return from.relay.trailer }
		s.rooms.relays.Add(1)
	}
	r.Run = fill.New(cfg)
	b := s.bodyLocked(rec.Version)
	r.plain = from.body != nil && !from.part && from.relay == nil
	s.cutLocked(rec, r, off, from.body != nil)
	b.runs = append(b.runs, r)
	s.fills++
	s.begun.at(rec.Version).Add(1)
	s.live.Add(1)
	s.reserve()
	return r
}

// fillConfig says how r reads rec's bytes, wherever they begin and end.
func (s *Store) fillConfig(r *run, rec *Record, from source) fill.Config {
	cfg := fill.Config{
		Body: from.body,
		Next: func(off int64) int64 { return s.cfg.Geometry.At(off, rec.OneSlab).End },
		Push: func(off int64, b []byte) { s.push(rec, off, b) },
		Done: func(end int64, err error) { s.ended(rec, r, end, err) },
	}
	cfg.Idle = func() time.Duration {
		return idle * idleFills / time.Duration(max(idleFills, s.live.Load()))
	}
	if rec.Resumable || rec.refetchable() {
		cfg.Open = r.open
	}
	if !from.wanted || rec.refetchable() { // else the part of it that was read would be of no use
		cfg.Alone, cfg.Brief, cfg.Awaited = alone, brief, from.beyond
	}
	if rec.refetchable() {
		cfg.Holding = fill.Holding{Hold: holdChunks * s.cfg.Geometry.Max, Share: s.share,
			Ahead: s.ahead}
		cfg.Room = fill.Room{Spare: s.rooms.filling.spare, Take: s.rooms.filling.take,
			Give: s.rooms.filling.give}
		return cfg
	}
	cfg.Holding = fill.Holding{
		Hold: s.cfg.Memory / holdShare, Share: s.share, Pinned: true, Free: s.rooms.small,
		Reserve: s.rooms.pinned.take, Release: s.rooms.pinned.give,
		Overflow: func() { s.drop(rec) }, // nobody can join it any more
	}
	// once it isn't kept
	part := func(off int64) int64 { return min(off+s.rooms.small, cfg.Next(off)) }
	cfg.Room = fill.Room{Spare: calmly, Part: part}
	return cfg
}

// border has r read on beyond end, if that is the border of a slab and its body goes on there.
func (s *Store) border(r *run, rec *Record, from source, end int64) fill.Border {
	atBorder := end == rec.Length || end%s.cfg.Geometry.Slab == 0
	if !atBorder || !rec.refetchable() || rec.OneSlab || rec.Fragments || from.part {
		return fill.Border{}
	}
	extend := func(ctx context.Context, end int64) int64 { return s.extend(ctx, r, rec, end) }
	return fill.Border{Extend: extend, Margin: s.maxGap(), Beyond: from.beyond}
}

// ended removes a fill. Before that the record learns its length, if the end of the body told it,
// or is dropped, if the fill failed: who finds no fill any more finds what it has brought.
func (s *Store) ended(rec *Record, ran *run, end int64, err error) {
	defer s.work.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	var trailer http.Header
	if err == nil && ran.trailer != nil {
		trailer = ran.trailer()
	}
	switch now := s.current(rec); {
	case now == nil || ends(err):
	case err != nil:
		s.dropLocked(rec)
	case now.Length < 0 && rec.Length < 0:
		s.learnLength(rec, end, trailer)
	}
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	ran.came = trailer
	b := s.bodyLocked(rec.Version)
	// Nothing of a run may stay: it has the bytes it read, in and out of the chunks group.
	if b.runs = slices.DeleteFunc(b.runs, func(r *run) bool { return r == ran }); len(b.runs) == 0 {
		b.runs = nil
	}
	s.tidyLocked(rec)
	if s.live.Add(-1); ran.relay != nil {
		s.rooms.relays.Add(-1)
	}
	s.reserve()
}

// learnLength gives all variants that have rec's bytes their length, which the end of the body has
// told, and the trailer. The store's mu is held.
func (s *Store) learnLength(rec *Record, length int64, trailer http.Header) {
	var content *[]byte
	s.bodies.mu.Lock()
	if tail := s.bodyLocked(rec.Version).tail; int64(len(tail)) == length {
		content = smallContent(tail)
	}
	s.bodies.mu.Unlock()
	s.changeLocked(rec.Key, rec.sameBytes, func(r *Record) {
		r.Trailer, r.Length, r.small = trailer, length, content
	})
}

// ends reports whether err, with which a fill has ended, is no fault of the content: nobody wanted
// more, another fill has read it, or another node is to be asked.
func ends(err error) bool {
	return errors.Is(err, fill.ErrAbandoned) || errors.Is(err, fill.ErrBehind) ||
		errors.Is(err, ErrRefused)
}
