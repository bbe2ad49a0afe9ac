package site

import (
	"container/list"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// queryRules knows the newest rule of each path. The methods may be called concurrently.
type queryRules struct {
	mu     sync.Mutex
	paths  map[string]*list.Element // of *queryRule
	recent *list.List               // the most recently used first
}

// queryRule is the rule of one path.
type queryRule struct {
	path string
	rule httpcache.QueryVariation
	at   time.Time // when the response was received that said so
}

const (
	maxPaths = 4096    // paths whose rules are remembered
	maxRule  = 1 << 10 // bytes of a rule; one that is longer isn't honoured
)

func newQueryRules() *queryRules {
	return &queryRules{paths: map[string]*list.Element{}, recent: list.New()}
}

// rule returns the newest rule of a path.
func (s *queryRules) rule(path string) (httpcache.QueryVariation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	el, ok := s.paths[path]
	if !ok {
		return httpcache.QueryVariation{}, false
	}
	s.recent.MoveToFront(el)
	return el.Value.(*queryRule).rule, true
}

// observe takes in what a response for path said that was received at that time.
func (s *queryRules) observe(path string, rule httpcache.QueryVariation, ok bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	el, known := s.paths[path]
	switch {
	case known && el.Value.(*queryRule).at.After(at):
	case known && !ok:
		s.recent.Remove(el)
		delete(s.paths, path)
	case known:
		el.Value.(*queryRule).rule, el.Value.(*queryRule).at = rule, at
	case ok:
		s.paths[path] = s.recent.PushFront(&queryRule{path, rule, at})
		if s.recent.Len() > maxPaths {
			delete(s.paths, s.recent.Remove(s.recent.Back()).(*queryRule).path)
		}
	}
}

// ruleOf is the rule that a response states, if it is one to be honoured.
func ruleOf(header http.Header) (httpcache.QueryVariation, bool) {
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
	case len(Canonical(path))+1+len(query) > MaxKey:
		return key
	}
	return path + "?" + query
}
