package store

import (
	"cmp"
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

// Largest returns the n stored responses with the longest contents that are known, the longest
// first, one for each key. It looks at all records, and holds up no lookup for long.
func (s *Store) Largest(n int) []*Record {
	if n <= 0 {
		return nil
	}
	list := make([]*Record, 0, n+1)
	s.visit(func(e stored) {
		rec := e.longest()
		if rec == nil || len(list) == n && rec.Length <= list[n-1].Length {
			return
		}
		i, _ := slices.BinarySearchFunc(list, rec.Length, func(r *Record, length int64) int {
			return cmp.Compare(length, r.Length)
		})
		list = slices.Insert(list, i, rec)
		list = list[:min(n, len(list))]
	})
	return list
}

// longest returns the record with the longest content among e's, or nil if none has any.
func (e stored) longest() (found *Record) {
	for _, rec := range e.variants {
		if !rec.Pass && !rec.HeadOnly && rec.Length > 0 &&
			(found == nil || rec.Length > found.Length) {
			found = rec
		}
	}
	return found
}
