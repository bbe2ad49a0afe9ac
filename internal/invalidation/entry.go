package invalidation

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Kind is what an entry does to the responses that it matches.
type Kind uint8

const (
	Remove     Kind = iota // their bytes must not be served again
	Revalidate             // they are invalid until they are validated (RFC 9111 section 4.4)
	Expire                 // they are stale, whatever they say of their freshness
	kinds
)

// Scope is which responses an entry matches. The zero Scope matches all. Scopes are comparable.
type Scope struct {
	field field
	name  string
}

type field uint8

const (
	all field = iota
	key
	queries
	prefix
	group
	fields
)

// Key matches the responses with that canonical key.
func Key(name string) Scope { return Scope{key, name} }

// Queries matches the responses whose path is that canonical one, whatever their query.
func Queries(path string) Scope { return Scope{queries, path} }

// Prefix matches the responses whose path is that path, or lies under it by whole segments. One
// slash at its end is ignored. The empty path matches all responses.
func Prefix(path string) Scope {
	if path = strings.TrimSuffix(path, "/"); path == "" {
		return Scope{}
	}
	return Scope{prefix, path}
}

// Group matches the responses that belong to that group (RFC 9875).
func Group(name string) Scope { return Scope{group, name} }

// Matches reports whether s matches r. Unlike a lookup by scopes, it costs the same for any path.
func (s Scope) Matches(r Resource) bool {
	path, _, _ := strings.Cut(r.Key, "?")
	switch s.field {
	case key:
		return r.Key == s.name
	case queries:
		return path == s.name
	case prefix:
		rest, ok := strings.CutPrefix(path, s.name)
		return ok && (rest == "" && !strings.HasSuffix(path, "/") || strings.HasPrefix(rest, "/"))
	case group:
		return slices.Contains(r.Groups, s.name)
	}
	return true
}

// Sought is the key, the path or the group by which all that s matches is found in an index. All
// are "" if there is none: s matches all, or a prefix.
func (s Scope) Sought() (canonical, path, member string) {
	switch s.field {
	case key:
		return s.name, "", ""
	case queries:
		return "", s.name, ""
	case group:
		return "", "", s.name
	}
	return "", "", ""
}

// Scopes match what any of them matches.
type Scopes map[Scope]bool

// Match reports whether they match r. However many there are, it costs no more than a lookup for
// each prefix of r's path.
func (ss Scopes) Match(r Resource) bool {
	if len(ss) <= 4 { // most often there is one
		for s := range ss {
			if s.Matches(r) {
				return true
			}
		}
		return false
	}
	for s := range scopes(r) {
		if ss[s] {
			return true
		}
	}
	return false
}

// Resource is what entries are matched against: a response, or a request, whose groups aren't
// known.
type Resource struct {
	Key    string // canonical; the path is what comes before the first question mark
	Groups []string
}

// scopes yields the scopes that match r: all, its key, its path with any query, each prefix of
// whole segments, each group.
func scopes(r Resource) iter.Seq[Scope] {
	return func(yield func(Scope) bool) {
		path, _, _ := strings.Cut(r.Key, "?")
		if !yield(Scope{}) || !yield(Scope{key, r.Key}) || !yield(Scope{queries, path}) {
			return
		}
		for i := 1; i < len(path); i++ {
			if path[i] == '/' && !yield(Scope{prefix, path[:i]}) {
				return
			}
		}
		if path != "" && path[len(path)-1] != '/' && !yield(Scope{prefix, path}) {
			return
		}
		for _, name := range r.Groups {
			if !yield(Scope{group, name}) {
				return
			}
		}
	}
}

// Name names an entry. Names are ordered alike on all nodes: a node issues an entry under a later
// name than those of all entries that it knows.
type Name struct {
	Time   uint64 // Lamport's
	Issuer uint64 // the incarnation of the node that issued it
	Number uint64 // counts the issuer's entries of this kind, from 1 on
}

// Compare orders names.
func (n Name) Compare(o Name) int {
	return cmp.Or(cmp.Compare(n.Time, o.Time), cmp.Compare(n.Issuer, o.Issuer),
		cmp.Compare(n.Number, o.Number))
}

// Entry is one invalidation.
type Entry struct {
	Name  Name
	Kind  Kind
	Scope Scope
}

// cost is what an entry takes in memory, about.
func (e Entry) cost() int { return 256 + len(e.Scope.name) }
