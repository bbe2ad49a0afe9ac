package site

import (
	"net/http"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// queryRule is the newest rule of one path.
type queryRule struct {
	httpcache.QueryVariation
	at time.Time // when the response was received that said so
}

const (
	maxPaths = 4096    // paths whose rules are remembered
	maxRule  = 1 << 10 // bytes of a rule; one that is longer isn't honoured
)

// ruleOf is the rule that a response states, if it is one to be honoured.
func (s *Site) ruleOf(header http.Header) (httpcache.QueryVariation, bool) {
	rule, ok := httpcache.ParseQueryVariation(header)
	size := len(strings.Join(header["No-Vary-Search"], ","))
	return rule, ok && s.NoVarySearch && size <= maxRule
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
