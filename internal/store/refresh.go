package store

import (
	"cmp"
	"math/rand/v2"

	"github.com/scurrycache/scurry/internal/trace"
)

// maxRefreshes bounds how many records are validated in the background at once. Others are served
// stale once more.
const maxRefreshes = 256

// Refresh validates rec in the background with a request like req, unless that is under way or has
// failed just now. The whole cluster validates it once: a node that doesn't own it asks the owner.
// If there is another content by now, and req is for the whole, its owners have it held: nobody
// follows the response that brings it, and whoever comes next would ask for it again.
func (s *Store) Refresh(req *Request, rec *Record) {
	r := &s.refreshing
	r.mu.Lock()
	defer r.mu.Unlock()
	now := s.successor(rec) // after the lock: what has ended by then is in the table
	_, under := r.revisions[rec.Revision]
	if now == nil || now.newer(rec) || under || now.rests(s.cfg.Now()) ||
		len(r.revisions) >= maxRefreshes || !s.begin() {
		return
	}
	r.revisions[rec.Revision] = struct{}{}
	validation := Request{
		Key: req.Key, Target: cmp.Or(rec.URL, rec.Key), Head: rec.HeadOnly, Background: true,
		Whole: req.Whole && !rec.HeadOnly, Warm: req.Whole && !rec.HeadOnly,
		Fields: Fields{Header: req.Header, Proto: req.Proto, Cause: Cause{ID: req.ID}},
	}
	span := req.Span
	go func() {
		defer s.work.Done()
		validation.Span = span.Detach("revalidate")
		res, err := s.Fetch(s.base, &validation, rec)
		endRefresh(validation.Span, res, err)
		if err != nil || res.Record.Pass {
			s.Postpone(rec)
		}
		r.end(rec.Revision)
		if err != nil {
			return
		}
		defer res.Close()
		if validation.Warm && !res.Renewed && !res.Found && !res.Record.Pass {
			// the origin's log line says why not
			_, _ = s.Warm(s.base, &validation.Fields, res.Record, res)
		}
	}()
}

// endRefresh ends the span of a validation in the background.
func endRefresh(span *trace.Span, res *Result, err error) {
	defer span.End()
	switch {
	case err != nil:
		span.Fail(FailureKind(err), err)
	case res.Renewed || res.Found:
		span.Set(trace.Attributes{}.Text(trace.Outcome, "revalidated"))
	default:
		span.Set(trace.Attributes{}.Text(trace.Outcome, "miss"))
	}
}

// Renew puts fresh in the place of old if this node owns it. fresh is old with newer fields and
// times.
func (s *Store) Renew(old, fresh *Record) {
	s.adopt(old.Key, fresh)
	fresh.Revision = rand.Uint64()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.successor(old); now != nil && now.owned() && !now.newer(old) && !now.Invalid {
		fresh.Length = now.Length
		s.supersedeLocked(now, fresh)
	}
}
