package store

import (
	"cmp"
	"math/rand/v2"
)

// maxRefreshes bounds how many records are validated in the background at once. One that isn't its turn is served stale
// once more.
const maxRefreshes = 256

// Refresh validates rec in the background, with a request like ask, unless that is being done or has failed just now. The
// whole cluster validates it once: a node that doesn't own it asks the owner.
func (s *Store) Refresh(ask *Ask, rec *Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.successorLocked(rec)
	_, under := s.refreshing[rec.Revision]
	if now == nil || now.newer(rec) || under || s.rests(now) || len(s.refreshing) >= maxRefreshes || !s.beginLocked() {
		return
	}
	s.refreshing[rec.Revision] = struct{}{}
	q := Ask{
		Key: ask.Key, Target: cmp.Or(rec.URL, rec.Key), Header: ask.Header, Proto: ask.Proto,
		Cause: Cause{ID: ask.ID}, Head: rec.HeadOnly, Background: true,
	}
	go s.refresh(&q, rec)
}

func (s *Store) refresh(q *Ask, rec *Record) {
	defer s.work.Done()
	a, err := s.Fetch(s.base, q, rec)
	if err == nil {
		a.Close()
	}
	if err != nil || a.Record.Pass {
		s.Postpone(rec)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refreshing, rec.Revision)
}

// Renew puts fresh, which is old with newer fields and times, in old's place, if this node owns it.
func (s *Store) Renew(old, fresh *Record) {
	s.adopt(old.Key, fresh)
	fresh.Revision = rand.Uint64()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.successorLocked(old); now != nil && owns(now) && !now.newer(old) {
		fresh.Length = now.Length
		s.supersedeLocked(now, fresh)
	}
}
