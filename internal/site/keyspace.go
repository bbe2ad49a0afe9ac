package site

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// With NoVarySearch, a response with a No-Vary-Search field is stored under a key whose query is in
// that rule's canonical form, together with the URL that it was requested by. A request is looked
// up under the key by the newest rule of its path, and under its own key. Whether a stored response
// answers it is decided by the rule of that response. Without NoVarySearch, each resource has one
// key, which its URL makes.

// Response is a stored response.
type Response = interface {
	// Header returns its fields, which aren't to be changed.
	Header() http.Header
}

// LikelyKey returns the key under which a response for the resource asked would be stored, by the
// newest rule of its path.
func (s *Site) LikelyKey(asked string) string {
	if !s.NoVarySearch {
		return asked
	}
	path, _, _ := strings.Cut(asked, "?")
	if rule, ok := s.rules.Get(path); ok {
		return queryKey(rule.QueryVariation, asked)
	}
	return asked
}

// Keys returns all keys under which a response for the resource asked may be stored, LikelyKey
// first.
func (s *Site) Keys(asked string) []string {
	return slices.Compact([]string{s.LikelyKey(asked), asked})
}

// KeyOf returns the key under which to store a response with those fields that was requested by
// url.
func (s *Site) KeyOf(url string, header http.Header) string {
	if rule, ok := s.ruleOf(header); ok {
		return queryKey(rule, url)
	}
	return url
}

// CanonicalKey returns the form of a key that decides on its owner and on what is invalidated with
// it. All spellings of a path have the same one. With NoVarySearch, so have all its queries.
func (s *Site) CanonicalKey(key string) string {
	if s.NoVarySearch {
		key, _, _ = strings.Cut(key, "?")
	}
	return Canonical(key)
}

// Answers reports whether a stored response, which was requested by url, is also for the resource
// asked, by its own rule.
func (s *Site) Answers(r Response, url, asked string) bool {
	if url == asked || !s.NoVarySearch {
		return url == asked
	}
	path, query, _ := strings.Cut(url, "?")
	otherPath, other, _ := strings.Cut(asked, "?")
	rule, ok := s.ruleOf(r.Header())
	return ok && path == otherPath && rule.Canonical(query) == rule.Canonical(other)
}

// Concerns reports whether a change of the resource changed invalidates a stored response, which
// was requested by url: it is for that resource, in any spelling.
func (s *Site) Concerns(r Response, url, changed string) bool {
	return s.Answers(r, Canonical(url), Canonical(changed))
}

// Observe notes the rule on queries in a response that was received at that time and stored under
// key.
func (s *Site) Observe(r Response, key string, at time.Time) {
	if !s.NoVarySearch {
		return
	}
	path, _, _ := strings.Cut(key, "?")
	rule, stated := s.ruleOf(r.Header())
	switch last, known := s.rules.Peek(path); {
	case known && last.at.After(at):
	case stated:
		s.rules.Add(path, queryRule{rule, at})
	default:
		s.rules.Remove(path)
	}
}

// Check returns an error if this node wouldn't make such a key. It is for keys that other nodes
// send.
func (s *Site) Check(key string) error {
	path, query, hasQuery := strings.Cut(key, "?")
	made, err := s.keyOf(path, query, hasQuery)
	if err == nil && (made != key || strings.ContainsFunc(key, unsendable)) {
		err = errPath
	}
	return err
}
