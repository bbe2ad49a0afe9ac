package proxy

import (
	"cmp"
	"net/http"

	"github.com/scurrycache/scurry/internal/store"
)

// answers reports whether rec is for asked, by its own rule.
func (p *Proxy) answers(rec *store.Record, asked string) bool {
	return p.site.Answers(rec, cmp.Or(rec.URL, rec.Key), asked)
}

// find returns what is stored for a request for asked, a HEAD or a GET, and the key that the answer
// to it belongs under.
func (p *Proxy) find(asked string, header http.Header, head bool) (key string, rec *store.Record, mustRevalidate bool) {
	key = p.site.LikelyKey(asked)
	if rec, mustRevalidate = p.store.Find(key, header, head); rec != nil && p.answers(rec, asked) {
		return key, rec, mustRevalidate
	}
	if key != asked {
		if rec, mustRevalidate = p.store.Find(asked, header, head); rec != nil && p.answers(rec, asked) {
			return asked, rec, mustRevalidate
		}
	}
	return key, nil, false
}
