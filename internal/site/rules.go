package site

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// queryRules knows the newest rule of each path that was used lately. The methods may be called
// concurrently.
type queryRules struct {
	mu    sync.Mutex
	paths *simplelru.LRU[string, queryRule]
}

// queryRule is the rule of one path.
type queryRule struct {
	httpcache.QueryVariation
	at time.Time // when the response was received that said so
}

const (
	maxPaths = 4096    // paths whose rules are remembered
	maxRule  = 1 << 10 // bytes of a rule; one that is longer isn't honoured
)

func newQueryRules() *queryRules {
	paths, _ := simplelru.NewLRU[string, queryRule](maxPaths, nil) // fails on a size of 0 only
	return &queryRules{paths: paths}
}

// rule returns the newest rule of a path.
func (s *queryRules) rule(path string) (httpcache.QueryVariation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rule, ok := s.paths.Get(path)
	return rule.QueryVariation, ok
}

// observe notes the rule of a response for path that was received at that time, or that it stated
// none.
func (s *queryRules) observe(
	path string, rule httpcache.QueryVariation, stated bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch last, known := s.paths.Peek(path); {
	case known && last.at.After(at):
	case stated:
		s.paths.Add(path, queryRule{rule, at})
	default:
		s.paths.Remove(path)
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
