package store

import (
	"context"
	"errors"
	"slices"
)

// List returns all records that are stored under key here, for whatever requests, in the order in
// which Find looks at them. Unlike Find it doesn't count as a use of them, and it leaves in those
// that say Pass and whose time is over.
func (s *Store) List(key string) []*Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	if !ok || !s.dropLostLocked(e) {
		return nil
	}
	return slices.Clone(e.variants)
}

// Inspect asks the owner of req's key for what it has stored for such a request, if the owner is
// another node. Unlike Peek it keeps nothing of what it learns. The record is nil if the owner has
// nothing that it could use; an error means that it couldn't be asked.
func (s *Store) Inspect(ctx context.Context, req *Request) (*Record, error) {
	p := s.ownerOf(req.Key)
	if p == nil {
		return nil, nil
	}
	lookup := lookupRequest{Request: *req}
	lookup.Stored, lookup.Whole = true, false
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	stream, err := p.Open(ctx, lookup.encode())
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	d, err := s.awaitReply(stream, nil)
	if errors.Is(err, errNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	fr, err := decodeFlightResult(d.b, s.cfg.Now())
	if err != nil {
		return nil, err
	}
	s.adopt(req.Key, fr.rec)
	fr.rec.Lease = Until(s.cfg.Now().Add(s.cfg.Lease)) // it is the owner's
	return fr.rec, nil
}
