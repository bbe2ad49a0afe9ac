package store

import (
	"strings"
	"time"

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

// Purged is what has come of a purge on one node. If Err isn't nil, the node hasn't been told, and
// Err says why. It learns of the purge before it serves anything once there is contact with it.
type Purged struct {
	Node string
	Swept
	Err error

	// OldUntil is until when a node that hasn't been told may use what it has of that, if it never
	// is: what it has was validated before now, and goes out of date as it does on the other nodes.
	// It is zero if these had nothing, or if more than one resource is purged: then the node may
	// own what the others know nothing of. CopiesUntil is the same for its copies of what nodes own
	// that have been told.
	OldUntil, CopiesUntil time.Time
}

// Purge purges on all nodes, and returns what came of that here and at each of the others. No
// request that arrives from now on is answered by what was purged, at no node without an Err.
func (s *Store) Purge(p *Purge) (here Swept, others []Purged) {
	kind := invalidation.Remove
	if p.Soft {
		kind = invalidation.Expire
	}
	done := s.publish(kind, s.scopes(p), p.Keys, func() {})
	all := done.swept
	for _, told := range done.told {
		swept := Swept{}
		if told.Err == nil {
			swept = decodeSwept(told.Value)
		}
		if swept.Responses > 0 {
			all.add(swept)
		}
		others = append(others, Purged{Node: told.Node, Swept: swept, Err: told.Err})
	}
	for i := range others {
		if o := &others[i]; o.Err != nil {
			o.OldUntil, o.CopiesUntil = s.until(&all, p), s.cfg.Now().Add(s.cfg.Lease)
		}
	}
	return done.swept, others
}

// until is Purged's OldUntil, where all is what a purge has matched.
func (s *Store) until(all *Swept, p *Purge) time.Time {
	one := len(p.Keys) == 1 && !p.Queries && len(p.Prefixes)+len(p.Groups) == 0
	if !one || all.Responses == 0 || all.Lasts == Forever {
		return time.Time{}
	}
	return s.cfg.Now().Add(all.Lasts)
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
