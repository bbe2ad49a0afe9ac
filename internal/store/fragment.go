package store

import (
	"cmp"
	"slices"
)

// An origin may send a part of a content although all of it was asked for, or the part that a
// client wanted. Where a strong validator names the content, the part is kept under the record of
// the whole: its whole chunks as chunks, and its ragged ends as fragments, values of the chunks
// group as well. Readers read fragments like chunks; a fill that comes by one reads it instead of
// asking the origin for the same bytes.

// fetchFragment puts the bytes at r.pos in view if they are in a fragment, here or on their owner.
func (r *Reader) fetchFragment() bool {
	if !r.rec.Fragments {
		return false
	}
	if b, ok := r.s.fragmentAt(r.rec, r.pos); ok {
		r.show(b)
		return true
	}
	if !r.remote() {
		return false
	}
	owner := r.s.slabOwner(r.rec, r.pos)
	if owner == "" {
		return false
	}
	known := r.s.Position()
	b, err := r.s.cfg.Remote.Ask(r.s.base, owner, &FragmentRequest{r.rec, r.pos, known})
	r.removed = r.removed || r.s.removed(err, r.rec, known)
	if err != nil || len(b) == 0 || int64(len(b)) > r.rec.Length-r.pos {
		return false
	}
	r.peer = owner
	r.show(b)
	return true
}

// takeRest goes on with rest where r has come to it. It reports whether there is something to go on
// with.
func (r *Reader) takeRest() bool {
	rest := r.rest
	if rest == nil || rest.pos != r.pos {
		return false
	}
	r.asked, r.word, r.shares = r.shared(), rest.word, rest.shares
	r.follower, r.run, r.view, r.rest = rest.follower, rest.run, rest.view, rest.rest
	r.peer = cmp.Or(r.peer, rest.peer)
	return r.follower != nil || r.view != nil
}

// missing returns the first byte of [off, end) of rec's content that this node neither holds nor is
// reading, or -1.
func (s *Store) missing(rec *Record, off, end int64) int64 {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	b, ok := s.byVersion[rec.Version]
	if !ok {
		return off
	}
	held := slices.Clone(b.pushed)
	for _, sp := range b.pieces {
		held = held.Add(sp.Start, sp.End)
	}
	for _, run := range b.runs {
		if stop := run.Span().End; stop > run.Starts() {
			held = held.Add(run.Starts(), stop)
		}
	}
	for _, sp := range held {
		if sp.Start <= off && off < sp.End {
			off = sp.End
		}
	}
	if off >= end {
		return -1
	}
	return off
}
