package store

import (
	"context"
	"errors"
	"slices"
	"time"
)

// inspectTimeout bounds Inspect's wait for the owner.
const inspectTimeout = time.Second

// List returns all records that are stored under key here, for any requests, in the order in which
// Find looks at them. Unlike Find it doesn't count as a use, and it returns also records that say
// Pass and whose time is over.
func (s *Store) List(key string) []*Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLostLocked(key)
	return slices.Clone(s.look(key).variants)
}

// Inspect asks another node, the owner of req's key, for what it has stored for such a request.
// Unlike Peek it keeps nothing of the answer. The record is nil if this node is the owner, or if
// the owner has nothing that it could use. An error means that the owner couldn't be asked.
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
