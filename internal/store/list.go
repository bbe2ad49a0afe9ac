package store

import (
	"context"
	"errors"
	"slices"
	"time"
)

// inspectTimeout is how long an owner is waited for by Inspect.
const inspectTimeout = time.Second

// List returns all records that are stored under key here, for whatever requests, in the order in
// which Find looks at them. Unlike Find it doesn't count as a use of them, and it leaves in those
// that say Pass and whose time is over.
func (s *Store) List(key string) []*Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLostLocked(key)
	e, _ := s.shards.look(key)
	return slices.Clone(e.variants)
}

// Inspect asks the owner of req's key for what it has stored for such a request, if the owner is
// another node. Unlike Peek it keeps nothing of what it learns. The record is nil if the owner has
// nothing that it could use; an error means that it couldn't be asked.
func (s *Store) Inspect(ctx context.Context, req *Request) (*Record, error) {
	owner := s.ownerOf(req.Key)
	if owner == "" {
		return nil, nil
	}
	q := &LookupRequest{Request: *req}
	q.Stored, q.Whole, q.Inform, q.Position = true, false, nil, s.Position()
	ctx, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	found, err := s.cfg.Remote.Lookup(ctx, owner, q)
	if errors.Is(err, ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if found.Content != nil {
		_ = found.Content.Close()
	}
	s.adopt(req.Key, found.Record)
	found.Record.Lease = s.in(s.cfg.Lease) // it is the owner's
	return found.Record, nil
}
