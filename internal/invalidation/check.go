package invalidation

import (
	"iter"
	"slices"
)

// Verdict is what entries mean for a response.
type Verdict uint8

const (
	Current        Verdict = iota // no entry that it doesn't rest on matches it
	MustRevalidate                // it is to be validated before its next use
	Removed                       // it must neither be stored nor be given to others
)

// Mark is what the entries that match a response mean for its version: responses with different
// marks have different versions. All nodes that know the same entries derive the same, and no node
// derives one again once a Remove that matches has come.
type Mark uint64

// MustRevalidate reports whether a stored response that was validated at since is to be validated
// again. It is what a hit asks for: mostly it is one atomic load, and it takes no lock if no entry
// that matches has come since.
func (l *Log) MustRevalidate(r Resource, since Token) bool {
	if since >= l.moment.Load().Token || !l.filter[Revalidate].may(r, since) {
		return false
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.cameLocked(Revalidate, r, l.shares[Revalidate].forgot) > since
}

// Check returns what has come since a flight began whose result isn't stored, and the moment up to
// which that is. If it is Current, the result rests on that moment, whose position goes with what
// is sent to other nodes.
func (l *Log) Check(r Resource, since Token) (Moment, Verdict) { return l.check(r, since, false) }

// Stored is Check for a response that was found in the table, with its token. It doesn't count what
// has been forgotten after the table was swept for it. If it is Current, the moment's token may
// take the place of the response's.
func (l *Log) Stored(r Resource, since Token) (Moment, Verdict) { return l.check(r, since, true) }

func (l *Log) check(r Resource, since Token, stored bool) (Moment, Verdict) {
	m := l.moment.Load() // before the filters are asked
	if since >= m.Token || !l.filter[Remove].may(r, since) && !l.filter[Revalidate].may(r, since) {
		return *m, Current
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return *l.moment.Load(), l.verdictLocked(r, since, stored && l.sweptLocked())
}

// sweptLocked reports whether the table has been swept for all Removes that are forgotten.
func (l *Log) sweptLocked() bool {
	forgot := l.shares[Remove].forgot
	return !slices.ContainsFunc(l.sweeping, func(began Token) bool { return began < forgot })
}

// Land returns the mark of a response for which the origin was asked at began, and what has come
// since. If it is Removed, the response has no mark: its version is a random name, and it isn't
// stored. If it is MustRevalidate, the response may be stored, and rests on began as any other.
func (l *Log) Land(r Resource, began Token) (Mark, Verdict) {
	if m := l.moment.Load(); len(m.Position.known[Remove]) == 0 && began >= m.Token {
		return 0, Current
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	verdict := l.verdictLocked(r, began, false)
	if verdict == Removed {
		return 0, verdict
	}
	mark := Mark(l.shares[Remove].forgotten.sum())
	for it := range l.matchingLocked(Remove, r) {
		mark += Mark(mix(mix(it.Name.Issuer) + it.Name.Number))
	}
	return mark, verdict
}

// Joins reports whether a request that arrived at one moment may take the result of a flight that
// began at another: it can't if an entry that matches has come in between. If it can't, it takes
// off by itself.
func (l *Log) Joins(r Resource, arrived, began Token) bool {
	if arrived <= began {
		return true
	}
	_, verdict := l.Check(r, began)
	return verdict == Current
}

// verdictLocked is what has come since. If swept, no Remove that is forgotten matters.
func (l *Log) verdictLocked(r Resource, since Token, swept bool) Verdict {
	forgot := l.shares[Remove].forgot
	if swept {
		forgot = 0
	}
	switch {
	case l.cameLocked(Remove, r, forgot) > since:
		return Removed
	case l.cameLocked(Revalidate, r, l.shares[Revalidate].forgot) > since:
		return MustRevalidate
	}
	return Current
}

// cameLocked is when the latest entry of kind came that matches r, or forgot if that is later:
// entries from before may be forgotten.
func (l *Log) cameLocked(kind Kind, r Resource, forgot Token) Token {
	for it := range l.matchingLocked(kind, r) {
		forgot = max(forgot, it.at)
	}
	return forgot
}

// matchingLocked yields the entries of kind that match r.
func (l *Log) matchingLocked(kind Kind, r Resource) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for scope := range scopes(r) {
			cell := l.scopes[scope]
			if cell == nil {
				continue
			}
			for _, it := range cell[kind] {
				if !yield(it) {
					return
				}
			}
		}
	}
}

// Accepts returns what the entries that p lacks mean for a response that rests on p. What comes
// from another node, and is Current, rests on the token here.
func (l *Log) Accepts(r Resource, p *Position) (Token, Verdict) {
	if m := l.moment.Load(); m.Position.Equal(p) {
		return m.Token, Current
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	switch {
	case l.lacksLocked(Remove, r, p):
		return l.clock, Removed
	case l.lacksLocked(Revalidate, r, p):
		return l.clock, MustRevalidate
	}
	return l.clock, Current
}

// lacksLocked reports whether an entry of kind that matches r is known here and not within p, or
// may be.
func (l *Log) lacksLocked(kind Kind, r Resource, p *Position) bool {
	if !p.known[kind].covers(l.shares[kind].forgotten) {
		return true
	}
	for it := range l.matchingLocked(kind, r) {
		if it.Name.Number > p.known[kind].at(it.Name.Issuer) {
			return true
		}
	}
	return false
}

// Covers reports whether p has all the Removes that are known here: then what rests on it needs no
// other check.
func (l *Log) Covers(p *Position) bool {
	own := l.moment.Load().Position
	return own.Equal(p) || p.known[Remove].covers(own.known[Remove])
}

// Behind reports whether p has entries that aren't known here: the node that sent it is to be
// pulled from.
func (l *Log) Behind(p *Position) bool {
	own := l.moment.Load().Position
	return !own.Equal(p) &&
		(!own.known[Remove].covers(p.known[Remove]) ||
			!own.known[Revalidate].covers(p.known[Revalidate]))
}
