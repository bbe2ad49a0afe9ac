package store

import (
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

// sake returns the fields of a request to the origin for the bytes from off on: those of the
// request that r was begun for, with the cause of a request that waits for these bytes, up to stop.
func (r *run) sake(off int64) (by Fields, stop int64) {
	by = r.by
	who, stop := r.Waiting(off, by.Cause)
	if cause, ok := who.(Cause); ok {
		by.Cause = cause
	}
	return by, stop
}

// config says how r reads.
func (r *run) config() fill.Config {
	s, rec := r.s, r.rec
	cfg := fill.Config{
		Start: r.start, End: r.end, Want: r.want, Body: r.body, Content: r,
		Resumes: rec.Resumable || rec.refetchable(), Beyond: r.beyond, Awaited: r.beyond,
		Room: &s.rooms.filling,
	}
	if !r.wanted || rec.refetchable() { // else the part of it that was read would be of no use
		cfg.Alone, cfg.Brief = alone, brief
	}
	atBorder := r.end == rec.Length || r.end%s.cfg.Geometry.Slab == 0
	switch {
	case !rec.refetchable():
		cfg.Pinned, cfg.Free, cfg.Want = true, s.rooms.small, fill.Everything
		cfg.Room = &s.rooms.calm
	case atBorder && r.relay == nil && !rec.OneSlab && !rec.Fragments && !r.part:
		cfg.Margin, cfg.Most = s.maxGap(), max(0, rec.Length) // its body may go on there
	}
	if r.relay != nil { // what an owner sends goes on as far as the owner's own fill does
		cfg.Content, cfg.Resumes, cfg.Room = r.relay, true, &s.rooms.calm
	}
	return cfg
}

// Next is fill.Content's, as are the other exported methods.
func (r *run) Next(off int64) int64 { return r.s.cfg.Geometry.At(off, r.rec.OneSlab).End }

func (r *run) Part(off int64) int64 {
	if r.rec.refetchable() {
		return r.Next(off)
	}
	return min(off+r.s.rooms.small, r.Next(off)) // it isn't kept any more
}

func (r *run) Stops(int64) bool { return false }

func (r *run) Transient() bool { return false }

func (r *run) Lends() bool { return false }

func (r *run) Idle() time.Duration {
	return idle * idleFills / time.Duration(max(idleFills, r.s.live.Load()))
}

func (r *run) Hold() int64 {
	if r.rec.refetchable() {
		return min(holdChunks*r.s.cfg.Geometry.Max, r.s.share())
	}
	return min(r.s.cfg.Memory/holdShare, r.s.mostRead())
}

func (r *run) Ahead() int64 {
	if r.rec.refetchable() {
		return r.s.ahead()
	}
	return fill.Everything
}

func (r *run) Reserve(n int64) bool { return r.s.rooms.pinned.take(n) }

func (r *run) Release(n int64) { r.s.rooms.pinned.give(n) }

func (r *run) Overflow() { r.s.drop(r.rec) } // nobody can join it any more
