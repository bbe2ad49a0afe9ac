package store

import (
	"context"
	"errors"
	"slices"
)

// List returns all records that are stored under key here, for whatever requests, in the order in which Find looks at them.
// Unlike Find it doesn't count as a use of them, and it leaves in those that say Pass and whose time is over.
func (s *Store) List(key string) []*Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	if !ok || !s.tendLocked(e) {
		return nil
	}
	return slices.Clone(e.variants)
}

// Inspect asks the owner of ask's key for what it has stored for such a request, if the owner is another node. Unlike Peek it
// keeps nothing of what it learns. The record is nil if the owner has nothing that it could use; an error means that it
// couldn't be asked.
func (s *Store) Inspect(ctx context.Context, ask *Ask) (*Record, error) {
	p := s.ownerOf(ask.Key)
	if p == nil {
		return nil, nil
	}
	q := question{Ask: *ask}
	q.Stored, q.Whole = true, false
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	stream, err := p.Open(ctx, q.encode())
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	d, err := s.answer(stream, nil)
	if errors.Is(err, errNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l, err := decodeLanding(d.b, s.cfg.Now())
	if err != nil {
		return nil, err
	}
	s.adopt(ask.Key, l.rec)
	l.rec.Lease = Until(s.cfg.Now().Add(s.cfg.Lease)) // it is the owner's
	return l.rec, nil
}
