package invalidation

// Verdict is what entries mean for a response. Later ones are stricter.
type Verdict uint8

const (
	Current        Verdict = iota // no entry that it doesn't rest on matches it
	Unconfirmed                   // none matches, but other nodes may know better
	Expired                       // it is stale
	MustRevalidate                // it must not be used before it has been validated
	Removed                       // it must neither be stored nor be given to others
)

// Mark is what the entries that match a response mean for its version: responses with different
// marks have different versions. All nodes that know the same entries derive the same, and no node
// derives one again once an entry that matches has come; or, of Revalidates, until that is
// forgotten.
type Mark uint64

// MustRevalidate reports whether a stored response that was validated at since is Unconfirmed. It
// is what a hit asks for, and one atomic load.
func (l *Log) MustRevalidate(since Token) bool { return since < l.moment.Load().revalidateBefore }

// Check returns what has come since a moment that a response rests on.
func (l *Log) Check(r Resource, since Token) Verdict {
	if since >= l.moment.Load().Token {
		return Current
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.verdictLocked(r, since)
}

// Begin returns the present moment, and r's mark at this moment.
func (l *Log) Begin(r Resource) (Moment, Mark) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return *l.moment.Load(), l.markLocked(r)
}

// Land returns the mark of a response for which the origin was asked at began, and what has come
// since. If it is Removed, the response has no mark: its version is a random name, and it isn't
// stored. Otherwise it may be stored, and rests on began unless it is Current. From Expired on, the
// mark is for what is fetched from now on, and the version of this response is a random name.
func (l *Log) Land(r Resource, began Token) (Mark, Verdict) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	verdict := l.verdictLocked(r, began)
	if verdict == Removed {
		return 0, verdict
	}
	return l.markLocked(r), verdict
}

// Joins reports whether a request that arrived at one moment may take the result of a flight that
// began at another: it can't if an entry that matches has come in between. If it can't, it takes
// off by itself.
func (l *Log) Joins(r Resource, arrived, began Token) bool {
	return arrived <= began || l.Check(r, began) == Current
}

func (l *Log) verdictLocked(r Resource, since Token) Verdict {
	switch {
	case l.shares[Remove].came(r) > since:
		return Removed
	case l.shares[Revalidate].came(r) > since:
		return MustRevalidate
	case l.shares[Expire].came(r) > since:
		return Expired
	case max(l.revalidateBefore, l.suspended) > since:
		return Unconfirmed
	}
	return Current
}

func (l *Log) markLocked(r Resource) (mark Mark) {
	for kind := range kinds {
		s := &l.shares[kind]
		mark += s.mark(r)
		// Which Revalidates are forgotten depends on what clients do elsewhere, so it isn't told.
		if kind != Revalidate {
			mark += Mark(s.forgotten.sum()) * Mark(2*kind+1)
		}
	}
	return mark
}

func (s *share) mark(r Resource) (mark Mark) {
	for it := range s.matching(r) {
		mark += Mark(mix(mix(it.Name.Issuer+uint64(it.Kind)) + it.Name.Number))
	}
	return mark
}

// Accepts returns what the entries that p lacks mean for a response that rests on p. What comes
// from another node, and is Current, rests on the token here.
func (l *Log) Accepts(r Resource, p *Position) (Token, Verdict) {
	if m := l.moment.Load(); p.covers(m.Position) {
		return m.Token, Current
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	switch {
	case l.shares[Remove].lacks(p.known[Remove], r):
		return l.clock, Removed
	case l.shares[Revalidate].lacks(p.known[Revalidate], r):
		return l.clock, MustRevalidate
	case l.shares[Expire].lacks(p.known[Expire], r):
		return l.clock, Expired
	}
	return l.clock, Current
}

// Covers reports whether p has all the entries that are known here: then what rests on it needs no
// other check.
func (l *Log) Covers(p *Position) bool { return p.covers(l.moment.Load().Position) }

// Behind reports whether p has entries that aren't known here: the node that sent it is to be
// pulled from.
func (l *Log) Behind(p *Position) bool { return !l.moment.Load().Position.covers(p) }
