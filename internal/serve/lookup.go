package serve

import (
	"cmp"
	"net/http"

	"github.com/scurrycache/scurry/internal/store"
)

// answers reports whether rec is for asked, by its own rule.
func (s *Server) answers(rec *store.Record, asked string) bool {
	return s.Site.Answers(rec, cmp.Or(rec.URL, rec.Key), asked)
}

// find returns what is stored for a request for asked, a HEAD or a GET, and the key that the answer
// to it belongs under.
func (s *Server) find(asked string, header http.Header, head bool) (key string, rec *store.Record,
	mustRevalidate bool) {
	key = s.Site.LikelyKey(asked)
	if rec, mustRevalidate = s.Store.Find(key, header, head); rec != nil && s.answers(rec, asked) {
		return key, rec, mustRevalidate
	}
	if key != asked {
		if rec, mustRevalidate = s.Store.Find(asked, header, head); rec != nil &&
			s.answers(rec, asked) {
			return asked, rec, mustRevalidate
		}
	}
	return key, nil, false
}
