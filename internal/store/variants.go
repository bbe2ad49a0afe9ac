package store

import (
	"slices"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// answersFlight reports whether rec, with which a flight for variant came back, answers all
// requests of that variant; if it doesn't, own names the one that is asked for.
func (s *Store) answersFlight(rec *Record, variant string, req *Request) (own string, ok bool) {
	names := merged(s.vary(rec.Key, req.Head), rec.Vary)
	own = variantBy(names, req.Header)
	return own, rec.selectedBy(req.Header) && (own == variant || rec.agrees(names, req.Header))
}

// offeredTo is rec for the node that has asked for it. That node may not know the other variants,
// so what tells them apart becomes rec's Vary there.
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

// amongLocked is f's request with what is stored for other requests, if an answer to this one may
// be made of it.
func (s *Store) amongLocked(f *flight) *Request {
	if f.prev != nil || f.req.Head || f.req.Alone || f.req.Ranged || f.req.Gone != "" {
		return f.req
	}
	among := *f.req
	e, _ := s.shards.look(among.Key)
	among.Variants = without(e.variants, func(rec *Record) bool { return rec.Pass || rec.HeadOnly })
	return &among
}
