package store

import (
	"context"
	"errors"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/wire"
)

// A body that is open is read on across the borders of slabs until the next slab's owner has had
// its own request accepted by the origin. So an origin that gives no parts, for whatever reason, is
// asked once, and its whole body has one fill.

// takeOverTime is how long the owner of the next slab has to say whether it takes over. Meanwhile
// the fill reads up to the border.
const takeOverTime = 2 * time.Second

// undivided reports whether the content, although it is large enough, isn't spread over the owners
// of its slabs, since its origin refuses to give parts: then the owner of the first slab answers
// for all of them.
func (s *Store) undivided(rec *Record) bool {
	return rec.refetchable() && !rec.OneSlab && s.refusals.hold(s.keyPrefixOf(rec))
}

// extend returns where a fill of rec ends that comes to the border at end: further on, unless the
// next slab's owner takes over.
func (s *Store) extend(ctx context.Context, run *run, rec *Record, end int64) int64 {
	if end >= rec.Length {
		return end
	}
	if p := s.slabOwner(rec, end); p != nil && !s.undivided(rec) {
		ctx, cancel := context.WithTimeout(ctx, takeOverTime)
		defer cancel()
		by, _ := run.sake(end)
		q := readRequest{key: rec.Key, rec: rec.encode(s.cfg.Now()), by: by, off: end, end: rec.Length, whole: true}
		stream, err := p.Open(ctx, q.encode(reqTakeOver))
		var d *decoder
		if err == nil {
			d, err = s.awaitReply(stream, nil)
			_ = stream.Close()
		}
		if err == nil {
			if d.byte() != 0 {
				by.Note()
			}
			return end
		}
		switch err = by.learn(err); {
		case errors.Is(err, context.DeadlineExceeded):
			by.Note() // it may be about to be
		case errors.Is(err, ErrRefused):
			s.refusals.heard(s.keyPrefixOf(rec))
		}
	}
	return s.reach(ctx, rec, end, run.plain)
}

// serveTakeOver answers once the origin's head has come, or at once if the bytes are here.
func (s *Store) serveTakeOver(c *wire.Call, d *decoder) {
	rec, ask, err := s.decodeRead(c, d)
	if err != nil {
		s.refuse(c, err)
		return
	}
	var rd Reader
	s.Reader(&rd, ask.by, rec, ask.off, min(ask.end, s.cfg.Geometry.SlabEnd(ask.off)))
	rd.takesOver = true
	rd.setLocalOnly()
	defer rd.Close()
	if err := rd.Ready(c.Context()); err != nil {
		s.refuse(c, rd.by.after(s.encodeFailure(c, err)))
		return
	}
	asked := rd.by.noted()
	reply(c, appendFlags([]byte{respOK}, []*bool{&asked}), nil)
}

// decodeRead decodes what a peer wants to read of a content, and says why it isn't to be had here,
// if it isn't.
func (s *Store) decodeRead(c *wire.Call, d *decoder) (*Record, *readRequest, error) {
	ask := decodeReadRequest(d)
	rec, err := decode(ask.rec, s.cfg.Now())
	if err != nil || d.bad || s.cfg.Keys.Check(ask.key) != nil || !s.fits(rec, ask.key) || ask.off < 0 || (ask.end >= 0 && ask.end <= ask.off) ||
		(rec.Length >= 0 && (ask.end > rec.Length || ask.off >= rec.Length)) || (rec.refetchable() && ask.end < 0) || rec.HeadOnly {
		return nil, nil, errBusy
	}
	s.adopt(ask.key, rec)
	if ask.undivided && rec.refetchable() {
		s.refusals.heard(s.keyPrefixOf(rec))
	}
	switch {
	case s.slabOwner(rec, ask.off) == nil:
		return rec, ask, nil
	case s.undivided(rec):
		return nil, nil, ErrRefused
	}
	return nil, nil, errNotOwner
}

// handsOver reports whether a body of rec that ends at pos may have been taken over there by the
// owner of the slab that begins.
func (s *Store) handsOver(rec *Record, pos int64) bool {
	return rec.refetchable() && !rec.OneSlab && pos > 0 && pos%s.cfg.Geometry.Slab == 0
}

// ends is what a fill's error means that is no fault of the content's: that nobody wanted more,
// that another fill has read it, or that another node is to be asked.
func ends(err error) bool {
	return errors.Is(err, fill.ErrAbandoned) || errors.Is(err, fill.ErrBehind) || errors.Is(err, ErrRefused)
}
