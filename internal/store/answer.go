package store

import (
	"slices"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// Answer answers a Message of another node. Its fields may be anything. Nobody changes the bytes.
func (v *Server) Answer(m Message) ([]byte, error) {
	switch q := m.(type) {
	case *ChunkRequest:
		return v.chunk(q)
	case *FragmentRequest:
		return v.fragment(q)
	case *ForeseeRequest:
		return v.foresee(q)
	case *PutRequest:
		return nil, v.put(q)
	case *InvalidateRequest:
		return v.invalidate(q)
	case *VariesRequest:
		return nil, v.varies(q)
	}
	return nil, ErrBusy
}

// chunk can't tell what response the chunk belongs to, so the requester must know all that is
// invalidated.
func (v *Server) chunk(q *ChunkRequest) ([]byte, error) {
	s := v.s
	if !s.ownsChunk(q.Key) {
		return nil, ErrNotOwner
	}
	if !s.log.Covers(q.Position) {
		return nil, ErrBehind
	}
	switch b, ok, busy := s.chunks.Serve(q.Key); {
	case busy:
		return nil, ErrBusy
	case !ok:
		return nil, ErrNotCached
	default:
		return b, nil
	}
}

func (v *Server) fragment(q *FragmentRequest) ([]byte, error) {
	if q.Off < 0 || v.odd(q.Record.Key) {
		return nil, ErrBusy
	}
	if !v.s.log.Covers(q.Position) {
		return nil, ErrBehind
	}
	b, ok := v.s.fragmentAt(q.Record, q.Off, true)
	if !ok {
		return nil, ErrNotCached
	}
	return b, nil
}

func (v *Server) foresee(q *ForeseeRequest) ([]byte, error) {
	length := q.Record.Length
	if v.odd(q.Record.Key) || length < 0 || length >= MaxLength {
		return nil, ErrBusy
	}
	asked := NotAsked
	for _, part := range q.Parts {
		if part.Start < 0 || part.Start >= part.End || part.End > length {
			return nil, ErrBusy
		}
		here, _ := v.s.foresee(q.Record, part, false)
		if asked = max(asked, here); asked == AskedForThis {
			break
		}
	}
	return []byte{byte(asked)}, nil
}

func (v *Server) put(q *PutRequest) error {
	s, rec := v.s, q.Record
	whole := rec.Length == int64(len(q.Content)) && !rec.Pass && !rec.HeadOnly && rec.Part == Part{}
	if v.odd(rec.Key) || !s.fits(rec, rec.Key) || !whole || s.ownerOf(rec.Key) != "" {
		return ErrBusy
	}
	basis, verdict := s.log.Accepts(s.resourceOf(rec), q.Position)
	if verdict == invalidation.Current {
		s.put(rec, q.Content, basis)
	}
	return nil
}

func (v *Server) invalidate(q *InvalidateRequest) ([]byte, error) {
	s := v.s
	s.mu.Lock()
	c, behind := s.log.Learn(q.Entries)
	swept := s.sweepLocked(&c, slices.DeleteFunc(q.Keys, v.odd))
	s.mu.Unlock()
	s.changed(&c)
	if behind {
		return nil, ErrBehind
	}
	return swept.code(), nil
}

func (v *Server) varies(q *VariesRequest) error {
	s := v.s
	if v.odd(q.Key) {
		return ErrBusy
	}
	if s.ownerOf(q.Key) != "" { // if this node owns it, it knows by itself
		s.mu.Lock()
		defer s.mu.Unlock()
		s.variedAt(q.Key).Add(1)
		s.removeLocked(q.Key)
	}
	return nil
}
