package store

import (
	"context"
	"net/http"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

// source is where a fill of the bytes [start, end) reads: from body, which is open, and after that,
// or if it is nil, from the origin, with the fields of by, unless relay has something to say about
// it.
type source struct {
	start, end int64 // end is -1 if the content's end isn't known
	want       int64 // it pauses here until somebody wants more
	body       fill.Body
	part       bool // body isn't one that goes to the content's end
	by         Fields
	wanted     bool // it is to be stored although nobody may read it
	beyond     bool // it is opened to the end of the content
	relay      *relay
	trailer    func() http.Header // after body; nil if there can't be any
	ctx        context.Context    // of body; nil if there is none
	cancel     context.CancelFunc
}

// drop ends what from would read, if no fill is to read it.
func (from *source) drop() {
	from.cancel()
	if from.body != nil {
		_ = from.body.Close()
	}
}

// run is a fill that is reading, and where it reads. It is the fill's Content.
type run struct {
	*fill.Run
	s   *Store
	rec *Record
	source
	plain bool        // its body answers a plain GET
	came  http.Header // the trailer that came after the body; set before followers see the end
	// the last request for a part got no answer that settles whether parts are given
	failed bool
	tail   []byte // the last bytes of a content whose length isn't known, if they may be all
}

// via is the relay that r reads from, or nil if that is the origin. r may be nil.
func (r *run) via() *relay {
	if r == nil {
		return nil
	}
	return r.relay
}

// relays reports whether r depends on another node.
func (r *run) relays() bool { return r.relay.active() }

// follow has a follower that wants w join r. It returns nil if r doesn't have the byte at w.off.
func (r *run) follow(w wanted) *fill.Follower {
	ahead := r.s.aheadOf(r.relay, w.ahead)
	f, ok := r.FollowFor(w.who, w.off, w.stop, ahead)
	if !ok && w.behind {
		f, _ = r.Attach(w.who, w.off, w.stop, ahead)
	}
	return f
}

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
		cfg.Margin = s.maxGap() // its body may go on there
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

func (r *run) Idle() time.Duration {
	return idle * idleFills / time.Duration(max(idleFills, r.s.live.Load()))
}

func (r *run) Hold() int64 {
	if r.rec.refetchable() {
		return min(holdChunks*r.s.cfg.Geometry.Max, r.s.share())
	}
	return r.s.cfg.Memory / holdShare
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
