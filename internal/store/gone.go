package store

import (
	"context"
	"errors"

	"github.com/scurrycache/scurry/internal/fill"
)

// Open opens the bytes [off, end) of r's content, or to its end if end is -1: from the fragments
// that are held, and where there are none from the origin. A part is asked for by a range, and once
// that has been refused, in whatever form, by asking for all and skipping what comes before it. It
// is called by the fill's goroutine.
func (r *run) Open(ctx context.Context, off, end int64) (fill.Opened, error) {
	opened, err := r.open(ctx, off, end)
	if r.relay == nil && errors.Is(err, fill.ErrGone) {
		r.s.tellGone(r.rec)
	}
	return opened, err
}

// tellGone tells the owner of rec, if that is another node, that the origin has another content by
// now. This node has found that out since it owns a part of the content. The owner would go on
// giving rec to clients, and each of them would be cut at that part.
func (s *Store) tellGone(rec *Record) {
	if s.ownerOf(rec.Key) == "" || !s.begin() {
		return
	}
	s.workers.Go(func() {
		defer s.work.Done()
		res, err := s.Fetch(s.base, &Request{
			Key: rec.Key, Stored: true, Gone: rec.Version,
			Fields: Fields{Header: rec.Selecting(), Proto: "HTTP/1.1"},
		}, nil)
		if err == nil {
			res.Close()
		}
	})
}
