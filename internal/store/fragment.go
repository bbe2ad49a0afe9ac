package store

import (
	"cmp"
	"context"
)

// An origin may send a part of a content although all of it was asked for, or the part that a
// client wanted. Where a strong validator names the content, the part is kept under the record of
// the whole: its whole chunks as chunks, and its ragged ends as fragments, values of the chunks
// group as well. Readers read fragments like chunks; a fill that comes by one reads it instead of
// asking the origin for the same bytes.

// viewFragment takes the bytes from a fragment, if there is one here or on their owner.
func (r *Reader) viewFragment() bool {
	if !r.rec.Fragments {
		return false
	}
	if b, ok := r.s.fragmentAt(r.rec, r.pos, r.uses()); ok {
		r.show(b)
		return true
	}
	owner, known := r.s.slabOwner(r.rec, r.pos), r.s.Position()
	if r.localOnly || owner == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(r.s.base, promptTimeout)
	defer cancel()
	b, err := r.s.cfg.Remote.Ask(ctx, owner, &FragmentRequest{r.rec, r.pos, known})
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
	r.asked, r.word, r.shares = r.shared(false), rest.word, rest.shares
	r.follower, r.run, r.view, r.rest = rest.follower, rest.run, rest.view, rest.rest
	r.peer = cmp.Or(r.peer, rest.peer)
	return r.follower != nil || r.view != nil
}

// missing returns the first byte of [off, end) of rec's content that this node neither holds nor is
// reading, or end.
func (s *Store) missing(rec *Record, off, end int64) int64 {
	for off < end {
		next, _ := s.filling(rec, off)
		if next = max(next, s.heldUpTo(rec, off, false)); next <= off {
			return off
		}
		off = next
	}
	return end
}
