package serve

import (
	"cmp"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/store"
)

// answers reports whether rec is for asked, by its own rule.
func (s *Server) answers(rec *store.Record, asked string) bool {
	return s.Site.Answers(rec, cmp.Or(rec.URL, rec.Key), asked)
}

// Lookup finds what is stored here for q, a HEAD or a GET, and the key that the answer to it
// belongs under.
func (s *Server) Lookup(q *decide.Request, f *decide.Found) {
	f.Key, f.Record, f.MustRevalidate = s.Site.LikelyKey(q.Resource), nil, false
	for key := f.Key; f.Record == nil; key = q.Resource {
		rec, mustRevalidate := s.Store.Find(key, q.Header, q.Head())
		if rec != nil && s.answers(rec, q.Resource) {
			f.Key, f.Record, f.MustRevalidate = key, rec, mustRevalidate
		}
		if key == q.Resource {
			break
		}
	}
	if f.Record == nil || f.Gone != nil || q.Authorized {
		f.Variants, f.Parts = s.Store.Holds(f.Key, q.Head())
	}
}
