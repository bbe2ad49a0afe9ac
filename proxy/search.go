package proxy

import (
	"cmp"
	"container/list"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// searches knows which of the cache keys that differ in their queries name what one stored response is for, by what responses
// said in No-Vary-Search. The first of such keys that was asked for stands for them all. The methods may be called concurrently.
type searches struct {
	mu     sync.Mutex
	paths  map[string]*list.Element // of *search, by path
	recent *list.List               // the most recently used first
}

// search is what is known of the queries of one path.
type search struct {
	path  string
	rule  httpcache.Search
	at    time.Time         // when the response was received that said so
	stand map[string]string // the key that stands for those with the same canonical query
}

const (
	maxSearches = 4096 // paths whose rules are remembered
	maxStand    = 1024 // keys that stand for others, of each path; then they are collected anew
)

func newSearches() *searches {
	return &searches{paths: map[string]*list.Element{}, recent: list.New()}
}

// key returns the key that stands for key.
func (s *searches) key(key string) string {
	path, query, _ := strings.Cut(key, "?")
	s.mu.Lock()
	defer s.mu.Unlock()
	el, ok := s.paths[path]
	if !ok {
		return key
	}
	s.recent.MoveToFront(el)
	return el.Value.(*search).key(key, query)
}

func (s *search) key(key, query string) string {
	canonical := s.rule.Canonical(query)
	stand, ok := s.stand[canonical]
	if !ok {
		if len(s.stand) >= maxStand {
			clear(s.stand)
		}
		s.stand[canonical], stand = key, key
	}
	return stand
}

// standing is key, but for taking note of the question.
func (s *searches) standing(key string) string {
	path, query, _ := strings.Cut(key, "?")
	s.mu.Lock()
	defer s.mu.Unlock()
	if el, ok := s.paths[path]; ok {
		r := el.Value.(*search)
		return cmp.Or(r.stand[r.rule.Canonical(query)], key)
	}
	return key
}

// learn takes in what a response for key said that was received at that time.
func (s *searches) learn(key string, header http.Header, at time.Time) {
	rule, ok := httpcache.ParseSearch(header)
	path, query, _ := strings.Cut(key, "?")
	s.mu.Lock()
	defer s.mu.Unlock()
	el, known := s.paths[path]
	if known && el.Value.(*search).at.After(at) {
		return
	}
	switch {
	case known && !ok:
		s.recent.Remove(el)
		delete(s.paths, path)
		return
	case !ok:
		return
	case !known:
		el = s.recent.PushFront(&search{path: path})
		s.paths[path] = el
		if s.recent.Len() > maxSearches {
			delete(s.paths, s.recent.Remove(s.recent.Back()).(*search).path)
		}
	}
	known = known && el.Value.(*search).rule.Equal(rule)
	r := el.Value.(*search)
	if r.rule, r.at = rule, at; !known {
		r.stand = map[string]string{}
	}
	r.key(key, query)
}

// Canonical is store.Source's.
func (s *source) Canonical(key string) string { return s.p.canonical(key) }

// canonical is the key that a response for key is stored under.
func (p *Proxy) canonical(key string) string {
	if p.searches == nil {
		return key
	}
	return p.searches.key(key)
}

// standing is canonical, but leaves everything as it is.
func (p *Proxy) standing(key string) string {
	if p.searches == nil {
		return key
	}
	return p.searches.standing(key)
}

// Place is store.Source's. All queries of a path have one owner, if they may mean the same.
func (s *source) Place(key string) string {
	if s.p.searches == nil {
		return key
	}
	path, _, _ := strings.Cut(key, "?")
	return path
}

// learnSearch notes what a response says of the queries of its path.
func (p *Proxy) learnSearch(rec *store.Record) {
	if p.searches != nil && !rec.Pass && rec.Status == http.StatusOK {
		p.searches.learn(rec.Key, rec.Header, rec.ResponseTime)
	}
}

// standsFor tells whether rec, which answers ask, is for the key too that stands for what was asked for. If the origin has changed
// its mind, that is taken in.
func (p *Proxy) standsFor(ask *store.Ask, rec *store.Record) bool {
	if ask.Target == ask.Key {
		return true
	}
	rule, _ := httpcache.ParseSearch(rec.Header)
	path, query, _ := strings.Cut(ask.Target, "?")
	stands, other, _ := strings.Cut(ask.Key, "?")
	if path == stands && rule.Canonical(query) == rule.Canonical(other) {
		return true
	}
	if p.searches != nil && rec.Status == http.StatusOK {
		p.searches.learn(ask.Target, rec.Header, rec.ResponseTime)
	}
	return false
}

type askedKey struct{}

// asking notes in a request's context that it is for the resource of that key, although another stands for it in the cache.
func asking(r *http.Request, key string) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), askedKey{}, key))
}

// asked is the key of the resource that r is for, which key stands for in the cache.
func asked(r *http.Request, key string) string {
	if own, ok := r.Context().Value(askedKey{}).(string); ok {
		return own
	}
	return key
}
