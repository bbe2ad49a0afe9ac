package store

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/fill"
)

// An origin may send a part of a content although all of it was asked for, or the part that a
// client wanted. Where a strong validator names the content, the part is kept under the record of
// the whole: its whole chunks as chunks, and its ragged ends as fragments, values of the chunks
// group as well. Readers read fragments like chunks; a fill that comes by one reads it instead of
// asking the origin for the same bytes.

// maxFragments bounds the fragments that are known of one version.
const maxFragments = 1024

// fillFragment reads the part of the content that x is.
func (s *Store) fillFragment(x *exchange, by Fields) {
	rec := x.Record
	rec.Fragments = true
	s.mu.Lock()
	if !s.overtakenLocked(rec, rec.Generation) {
		s.installLocked(rec)
	}
	var run *run
	if held, _, joined := s.joinLocked(rec, by.Cause, x.From, x.To, 0, true); joined {
		held.Close()
	} else if s.beginLocked() {
		run = s.runLocked(rec, source{body: x.Body, part: true, by: by, wanted: true}, x.From, x.To, fill.Everything)
	} else {
		s.forgetBodyLocked(rec.Version, "")
	}
	s.mu.Unlock()
	if run != nil {
		run.Start(x.ctx, x.cancel)
		return
	}
	x.cancel()
	_ = x.Body.Close()
}

// fragmentAt returns the bytes of rec's content from off on to the end of a fragment, if this node
// holds one.
func (s *Store) fragmentAt(ctx context.Context, rec *Record, off int64) ([]byte, bool) {
	s.mu.Lock()
	var sp chunk.Span
	if b, ok := s.bodies[rec.Version]; ok {
		if i := slices.IndexFunc(b.pieces, func(sp chunk.Span) bool { return sp.Start <= off && off < sp.End }); i >= 0 {
			sp = b.pieces[i]
		}
	}
	s.mu.Unlock()
	if sp.End == 0 {
		return nil, false
	}
	b, ok := s.chunks.Peek(s.fragmentKey(rec, sp))
	if ok && int64(len(b)) == sp.End-sp.Start {
		return b[off-sp.Start:], true
	}
	s.mu.Lock() // evicted
	defer s.mu.Unlock()
	if b, ok := s.bodies[rec.Version]; ok {
		b.pieces = slices.DeleteFunc(b.pieces, func(old chunk.Span) bool { return old == sp })
	}
	return nil, false
}

// fetchFragment puts the bytes at r.pos in view if they are in a fragment, here or on their owner.
func (r *Reader) fetchFragment(ctx context.Context) bool {
	if !r.rec.Fragments {
		return false
	}
	if b, ok := r.s.fragmentAt(ctx, r.rec, r.pos); ok {
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
	b, err := r.s.cfg.Remote.Fragment(r.s.base, owner, r.rec, r.pos)
	if err != nil || len(b) == 0 || int64(len(b)) > r.rec.Length-r.pos {
		return false
	}
	r.peer = owner
	r.show(b)
	return true
}

// maxLook bounds how often a look for what is missing finds that it is there.
const maxLook = 64

// readyRest makes sure that what comes after what is in view can be had: if the content has become
// another, it must be known before the head is sent. Of what another node owns, the next bytes tell
// enough: more would be held for a client who may be slow.
func (r *Reader) readyRest(ctx context.Context) error {
	end := r.end
	if r.s.cfg.Remote != nil { // the next slab is another node's, perhaps
		end = min(end, r.s.cfg.Geometry.SlabEnd(r.pos))
	}
	afar := r.remote()
	for from, n := r.pos+int64(len(r.view)), 0; n < maxLook; n++ {
		if !afar {
			from = r.s.missing(r.rec, from, end)
		}
		if from < 0 || from >= end {
			return nil
		}
		rest := &Reader{
			s: r.s, by: r.by, before: r.before, rec: r.rec, start: from, pos: from, end: r.end, ahead: r.ahead, localOnly: r.localOnly,
		}
		if err := rest.opened(ctx); err != nil {
			rest.Close()
			return err
		}
		if rest.follower != nil || afar {
			r.rest = rest
			return nil
		}
		from += max(1, int64(len(rest.view))) // it is here from before
	}
	return nil
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
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.bodies[rec.Version]
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

// joined is a body that is read from fragments and from the origin, by turns.
type joined struct {
	*opener
	ctx      context.Context // of the fill that reads it
	off, end int64
	piece    []byte    // to be read before body
	body     fill.Body // up to until
	until    int64
}

// next finds what has the byte at off.
func (j *joined) next() error {
	if b, ok := j.s.fragmentAt(j.ctx, j.rec, j.off); ok {
		j.piece = b[:min(int64(len(b)), j.end-j.off)]
		return nil
	}
	j.until = j.end
	j.s.mu.Lock()
	if b, ok := j.s.bodies[j.rec.Version]; ok {
		for _, sp := range b.pieces {
			if sp.Start > j.off {
				j.until = min(j.until, sp.Start)
			}
		}
	}
	j.s.mu.Unlock()
	opened, err := j.origin(j.ctx, j.off, j.until)
	j.body = opened.Body
	return err
}

func (j *joined) Read(p []byte) (int, error) {
	if j.off >= j.end {
		return 0, io.EOF
	}
	if j.piece == nil && j.body == nil {
		if err := j.next(); err != nil {
			return 0, err
		}
	}
	if j.piece != nil {
		n := copy(p, j.piece)
		j.off += int64(n)
		if j.piece = j.piece[n:]; len(j.piece) == 0 {
			j.piece = nil
		}
		return n, nil
	}
	n, err := j.body.Read(p[:min(int64(len(p)), j.until-j.off)])
	j.off += int64(n)
	if j.off == j.until && (err == nil || err == io.EOF) && j.off < j.end {
		_ = j.body.Close()
		j.body, err = nil, nil
	}
	return n, err
}

func (j *joined) Close() error {
	if j.body == nil {
		return nil
	}
	return j.body.Close()
}
