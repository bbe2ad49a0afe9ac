package store

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// putTimeout bounds Put's wait for the owner.
const putTimeout = time.Second

// Put stores rec with its whole content at its owner, unless its key or one of its groups has been
// invalidated since then. rec has its Key and all that Source.Fetch sets. If the owner can't be
// reached, nothing is stored.
func (s *Store) Put(rec *Record, content []byte, then Moment) {
	rec.Length = int64(len(content))
	owner := s.ownerOf(rec.Key)
	if owner == "" {
		s.put(rec, content, then.Token)
		return
	}
	// The owner refuses it if it knows an invalidation that this node didn't know then, and removes
	// it if it learns of one later. When Put returns, the response can be found there.
	ctx, cancel := context.WithTimeout(s.base, putTimeout)
	defer cancel()
	_, _ = s.cfg.Remote.Ask(ctx, owner, &PutRequest{rec, content, then.Position})
}

// put stores rec and its content here. The chunks come first: a record without its bytes would be
// of no use.
func (s *Store) put(rec *Record, content []byte, then invalidation.Token) {
	if !s.begin() {
		return
	}
	rec.basis = then
	defer s.work.Done()
	rec.Rangeable, rec.Resumable, rec.Fragments, rec.OneSlab = false, false, false, true
	rec.Revision = rand.Uint64()
	rec.Version = s.version(rec, "", 0)
	s.adopt(rec.Key, rec)
	rec.small = smallContent(content)
	for off := int64(0); off < rec.Length && rec.small == nil; {
		end := min(s.cfg.Geometry.At(off, true).End, rec.Length)
		s.push(rec, off, append([]byte(nil), content[off:end]...), false)
		off = end
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log.Check(s.resourceOf(rec), then) != invalidation.Current {
		s.bodies.forget(rec.Version)
		return
	}
	s.installLocked(rec)
}
