package site

import (
	"net/http"
	"strings"
	"time"
)

// With NoVarySearch, a response that says in No-Vary-Search which parts of the query don't matter
// is stored under a key whose query is in that rule's canonical form, and says for which URL it
// came. A request is looked up under the key that the newest rule of its path makes, and under its
// own; but what answers it is the stored response itself, by its own rule. Without, each resource
// has the one key that its URL makes.

// Response is what a stored response says.
type Response = interface {
	// Header returns its fields, which aren't to be changed.
	Header() http.Header
}

// LikelyKey is the key under which a response for the resource asked would be stored, by what is
// known of its path.
func (s *Site) LikelyKey(asked string) string {
	if !s.NoVarySearch {
		return asked
	}
	path, _, _ := strings.Cut(asked, "?")
	if rule, ok := s.rules.rule(path); ok {
		return queryKey(rule, asked)
	}
	return asked
}

// Keys are all the keys under which a response for the resource asked may be stored, LikelyKey
// first.
func (s *Site) Keys(asked string) []string {
	if key := s.LikelyKey(asked); key != asked {
		return []string{key, asked}
	}
	return []string{asked}
}

// KeyOf is the key under which a response with those fields, which was asked for by url, is stored.
func (s *Site) KeyOf(url string, header http.Header) string {
	if s.NoVarySearch {
		if rule, ok := ruleOf(header); ok {
			return queryKey(rule, url)
		}
	}
	return url
}

// CanonicalKey is the one by which a key's owner is found, and what is to be invalidated: all
// spellings of a path have the same; and all its queries, if they may mean the same.
func (s *Site) CanonicalKey(key string) string {
	if s.NoVarySearch {
		key, _, _ = strings.Cut(key, "?")
	}
	return Canonical(key)
}

// Answers reports whether a stored response, which was asked for by url, is for the resource asked,
// by its own rule.
func (s *Site) Answers(r Response, url, asked string) bool {
	if url == asked || !s.NoVarySearch {
		return url == asked
	}
	path, query, _ := strings.Cut(url, "?")
	otherPath, other, _ := strings.Cut(asked, "?")
	rule, ok := ruleOf(r.Header())
	return ok && path == otherPath && rule.Canonical(query) == rule.Canonical(other)
}

// Concerns reports whether what happens to the resource changed happens to a stored response, which
// was asked for by url: it is for that resource, in whatever spelling.
func (s *Site) Concerns(r Response, url, changed string) bool {
	return s.Answers(r, Canonical(url), Canonical(changed))
}

// Observe notes what a response, received at that time and stored under key, says of the queries of
// its path.
func (s *Site) Observe(r Response, key string, at time.Time) {
	if !s.NoVarySearch {
		return
	}
	path, _, _ := strings.Cut(key, "?")
	rule, ok := ruleOf(r.Header())
	s.rules.observe(path, rule, ok, at)
}

// Check says what is wrong with a key that another node has sent, if it isn't one that this node
// would make.
func (s *Site) Check(key string) error {
	path, query, hasQuery := strings.Cut(key, "?")
	_, err := keyOf(path, query, hasQuery)
	if err == nil && strings.ContainsFunc(key, unsendable) {
		err = errPath
	}
	return err
}
