package proxy

import (
	"cmp"
	"container/list"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// With Config.NoVarySearch, a response that says in No-Vary-Search which parts of the query don't
// matter is stored under a key whose query is in that rule's canonical form, and says for which URL
// it came. A request is looked up under the key that the newest rule of its path makes, and under
// its own; but what answers it is the stored response itself, by its own rule.

// queryVariations knows the newest rule of each path. The methods may be called concurrently.
type queryVariations struct {
	mu     sync.Mutex
	paths  map[string]*list.Element // of *search
	recent *list.List               // the most recently used first
}

// queryVariation is the rule of one path.
type queryVariation struct {
	path string
	rule httpcache.QueryVariation
	at   time.Time // when the response was received that said so
}

const (
	maxSearches = 4096    // paths whose rules are remembered
	maxRule     = 1 << 10 // bytes of a rule; one that is longer isn't honoured
)

func newQueryVariations() *queryVariations {
	return &queryVariations{paths: map[string]*list.Element{}, recent: list.New()}
}

// rule returns the newest rule of a path.
func (s *queryVariations) rule(path string) (httpcache.QueryVariation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	el, ok := s.paths[path]
	if !ok {
		return httpcache.QueryVariation{}, false
	}
	s.recent.MoveToFront(el)
	return el.Value.(*queryVariation).rule, true
}

// observe takes in what a response for path said that was received at that time.
func (s *queryVariations) observe(path string, rule httpcache.QueryVariation, ok bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	el, known := s.paths[path]
	switch {
	case known && el.Value.(*queryVariation).at.After(at):
	case known && !ok:
		s.recent.Remove(el)
		delete(s.paths, path)
	case known:
		el.Value.(*queryVariation).rule, el.Value.(*queryVariation).at = rule, at
	case ok:
		s.paths[path] = s.recent.PushFront(&queryVariation{path, rule, at})
		if s.recent.Len() > maxSearches {
			delete(s.paths, s.recent.Remove(s.recent.Back()).(*queryVariation).path)
		}
	}
}

// queryVariationOf is the rule that a response states, if it is one to be honoured.
func queryVariationOf(header http.Header) (httpcache.QueryVariation, bool) {
	rule, ok := httpcache.ParseQueryVariation(header)
	if !ok || len(rule.String()) > maxRule {
		return httpcache.QueryVariation{}, false
	}
	return rule, true
}

// queryKey is key with its query in rule's canonical form.
func queryKey(rule httpcache.QueryVariation, key string) string {
	path, query, _ := strings.Cut(key, "?")
	switch query = rule.Canonical(query); {
	case query == "":
		return path
	case len(canonicalForm(path))+1+len(query) > maxKey:
		return key
	}
	return path + "?" + query
}

// likely is the key under which a response for asked would be stored, by what is known of its path.
func (p *Proxy) likely(asked string) string {
	if p.variations == nil {
		return asked
	}
	path, _, _ := strings.Cut(asked, "?")
	if rule, ok := p.variations.rule(path); ok {
		return queryKey(rule, asked)
	}
	return asked
}

// answers reports whether rec is for asked, by its own rule.
func (p *Proxy) answers(rec *store.Record, asked string) bool {
	return p.same(rec, cmp.Or(rec.URL, rec.Key), asked)
}

// same reports whether url and asked are the same by rec's rule.
func (p *Proxy) same(rec *store.Record, url, asked string) bool {
	if url == asked || p.variations == nil {
		return url == asked
	}
	path, query, _ := strings.Cut(url, "?")
	otherPath, other, _ := strings.Cut(asked, "?")
	rule, ok := queryVariationOf(rec.Header())
	return ok && path == otherPath && rule.Canonical(query) == rule.Canonical(other)
}

// find returns what is stored for a request for asked, a HEAD or a GET, and the key that the answer
// to it belongs under.
func (p *Proxy) find(asked string, header http.Header, head bool) (key string, rec *store.Record, mustRevalidate bool) {
	if p.variations == nil {
		rec, mustRevalidate = p.store.Find(asked, header, head)
		return asked, rec, mustRevalidate
	}
	for _, key := range (&source{p}).Keys(asked) {
		if rec, mustRevalidate := p.store.Find(key, header, head); rec != nil && p.answers(rec, asked) {
			return key, rec, mustRevalidate
		}
	}
	return p.likely(asked), nil, false
}

// Keys is store.Source's.
func (s *source) Keys(asked string) []string {
	if key := s.p.likely(asked); key != asked {
		return []string{key, asked}
	}
	return []string{asked}
}

// Answers is store.Source's.
func (s *source) Answers(rec *store.Record, asked string) bool { return s.p.answers(rec, asked) }

// Concerns is store.Source's.
func (s *source) Concerns(rec *store.Record, url string) bool {
	return s.p.same(rec, canonicalForm(cmp.Or(rec.URL, rec.Key)), canonicalForm(url))
}

// KeyOf is store.Source's.
func (s *source) KeyOf(url string, header http.Header) string {
	if s.p.variations != nil {
		if rule, ok := queryVariationOf(header); ok {
			return queryKey(rule, url)
		}
	}
	return url
}

// CanonicalKey is store.Source's. All spellings of a path have one owner; and all its queries, if
// they may mean the same.
func (s *source) CanonicalKey(key string) string {
	if s.p.variations != nil {
		key, _, _ = strings.Cut(key, "?")
	}
	return canonicalForm(key)
}

// observeQueryVariation notes what a response says of the queries of its path.
func (p *Proxy) observeQueryVariation(rec *store.Record) {
	if p.variations != nil && !rec.Pass && rec.Status == http.StatusOK {
		path, _, _ := strings.Cut(rec.Key, "?")
		rule, ok := queryVariationOf(rec.Header())
		p.variations.observe(path, rule, ok, rec.ResponseTime.Time())
	}
}
