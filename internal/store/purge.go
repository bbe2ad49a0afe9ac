package store

import (
	"strings"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// Purge is what an operator purges.
type Purge struct {
	Keys     []string // resources, with all that is stored for them
	Queries  bool     // the queries of Keys don't matter: all of their paths are meant
	Prefixes []string // of paths in keys, by whole segments
	Groups   []string
	All      bool

	// Soft means that what is stored isn't removed. It is stale from now on, and may be served
	// while it is validated, or if it can't be.
	Soft bool
}

// Purged is what has come of a purge on one node: how many stored responses it matched there. If
// Err isn't nil, the node hasn't been told, and Err says why. It learns of the purge before it
// serves anything once there is contact with it.
type Purged struct {
	Node  string
	Swept int
	Err   error
}

// Purge purges on all nodes, and returns what came of that here and at each of the others. No
// request that arrives from now on is answered by what was purged, at no node without an Err.
func (s *Store) Purge(p *Purge) (swept int, others []Purged) {
	kind := invalidation.Remove
	if p.Soft {
		kind = invalidation.Expire
	}
	done := s.publish(kind, s.scopes(p), p.Keys, func() {})
	for _, told := range done.told {
		others = append(others, Purged{told.Node, decodeSwept(told.Value), told.Err})
	}
	return done.swept, others
}

// scopes are what p matches.
func (s *Store) scopes(p *Purge) (scopes []invalidation.Scope) {
	if p.All {
		return []invalidation.Scope{{}}
	}
	if p.Queries {
		for _, key := range p.Keys {
			path, _, _ := strings.Cut(s.canonical(key), "?")
			scopes = append(scopes, invalidation.Queries(path))
		}
	} else {
		scopes = s.scopesOf(p.Keys)
	}
	for _, prefix := range p.Prefixes {
		scopes = append(scopes, invalidation.Prefix(s.canonical(prefix)))
	}
	for _, group := range p.Groups {
		scopes = append(scopes, invalidation.Group(group))
	}
	return scopes
}
