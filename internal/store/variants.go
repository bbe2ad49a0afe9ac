package store

import (
	"slices"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// answersFlight reports whether rec, the result of a flight for variant, answers req. If it
// doesn't, own names the variant that req asks for.
func (s *Store) answersFlight(rec *Record, variant string, req *Request) (own string, ok bool) {
	names := merged(s.vary(rec.Key, req.Head), rec.Vary)
	own = variantBy(names, req.Header)
	return own, rec.selectedBy(req.Header) && (own == variant || rec.agrees(names, req.Header))
}

// offeredTo returns rec for the node that has asked for it with req. That node may not know the
// other variants, so the fields that tell them apart become rec's Vary there.
func (s *Store) offeredTo(rec *Record, req *Request) *Record {
	names := merged(rec.Vary, s.vary(rec.Key, req.Head))
	if slices.Equal(names, rec.Vary) {
		return rec
	}
	return rec.with(func(r *Record) {
		r.Vary, r.Variant = names, httpcache.Selecting(names, req.Header)
		selecting := r.Selecting()
		for _, name := range names {
			if values, ok := req.Header[name]; ok {
				selecting[name] = values
			}
		}
		r.SetSelecting(selecting)
	})
}

// amongLocked gives f's request the records that are stored for other requests, if an answer to it
// may be made of them.
func (s *Store) amongLocked(f *flight) {
	if f.prev != nil || f.req.Head || f.req.Alone || f.req.Ranged || f.req.Gone != "" {
		return
	}
	f.req.Variants = without(s.look(f.req.Key).variants, func(rec *Record) bool {
		return rec.Pass || rec.HeadOnly
	})
}

// A response may say by Vary that its resource varies, after an earlier response that didn't say so
// was given to other nodes. They would answer all requests from their near copies. So the owner has
// them drop these. A node that can't be told keeps them for a lease.

// variesLocked tells the other nodes if a key, which this node owns, has turned out to vary by more
// than names.
func (s *Store) variesLocked(key string, names []string) {
	same := len(merged(names, s.vary(key, true))) == len(names)
	if s.cfg.Remote == nil || same || !s.begin() {
		return
	}
	go func() {
		defer s.work.Done()
		s.cfg.Remote.Notify(&VariesRequest{key})
	}()
}

// outdatedLocked reports whether the resource of f has turned out to vary since f took off. Then
// the result of f mustn't answer other requests.
func (s *Store) outdatedLocked(f *flight) bool {
	return f.varied != s.variedAt(f.req.Key).Load()
}
