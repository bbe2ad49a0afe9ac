package store

import "math"

// Moment is how often a key, and groups, had been invalidated at some time.
type Moment struct{ key, groups uint64 }

// never is no moment of any key.
var never = Moment{noGeneration, noGeneration}

// changes is what has been removed, so that what was asked for before isn't stored after. It is
// guarded by the store's mu.
type changes struct {
	canonical   func(key string) string // KeySpace.CanonicalKey
	generations generations
	groups      groupLog
	varied      generations // count how often keys of other nodes have turned out to vary
}

// generationLocked is the generation of key: that of its canonical key, since a response may turn
// out to be for other keys with the same.
func (c *changes) generationLocked(key string) uint64 {
	return c.generations.of(c.canonical(key))
}

// overtakenLocked reports whether rec was asked for before its key, of which generation says what
// it was then, or one of its groups was invalidated. It mustn't be stored then.
func (c *changes) overtakenLocked(rec *Record, generation uint64) bool {
	return generation != c.generationLocked(rec.Key) || c.groups.after(rec.since, rec.Groups)
}

// momentLocked is now, for the first of keys if there is one.
func (c *changes) momentLocked(keys []string) Moment {
	m := Moment{groups: c.groups.count}
	if len(keys) > 0 {
		m.key = c.generationLocked(keys[0])
	}
	return m
}

// variedLocked counts how often key has turned out to vary.
func (c *changes) variedLocked(key string) uint64 { return c.varied.of(c.canonical(key)) }

// generations counts how often the stored responses of a cache key have been removed. What was
// asked for under an older generation isn't stored. The zero value is ready for use.
type generations struct {
	epoch  uint64
	raised map[string]uint64 // above epoch
}

// groupLog remembers which groups have been invalidated, so that what was asked for before isn't
// stored after. The zero value is ready for use.
type groupLog struct {
	count uint64            // of invalidations
	floor uint64            // those up to this one are forgotten
	last  map[string]uint64 // the last one of each group, above floor
}

// raise notes that group is invalidated.
func (g *groupLog) raise(group string) {
	if _, ok := g.last[group]; !ok && len(g.last) >= maxRaised {
		g.floor, g.last = g.count, nil
	}
	if g.last == nil {
		g.last = map[string]uint64{}
	}
	g.count++
	g.last[group] = g.count
}

// mark is what the versions of the members of groups have in them, so that no bytes come back that
// were removed.
func (g *groupLog) mark(groups []string) (mark uint64) {
	for _, group := range groups {
		mark = max(mark, g.floor, g.last[group])
	}
	return mark
}

// after reports whether any of groups may have been invalidated when more than since invalidations
// had been.
func (g *groupLog) after(since uint64, groups []string) bool {
	for _, group := range groups {
		if since < max(g.floor, g.last[group]) {
			return true
		}
	}
	return false
}

// noGeneration is none that a key has.
const noGeneration = math.MaxUint64

// The log of raised keys is bounded: when it is full, all keys are raised at once.
const maxRaised = 4096

// of returns the generation of key.
func (g *generations) of(key string) uint64 { return g.epoch + g.raised[key] }

// raise makes the generation of key one that it never had. It reports whether it did so for all
// keys.
func (g *generations) raise(key string) (all bool) {
	if _, ok := g.raised[key]; !ok && len(g.raised) >= maxRaised {
		var most uint64
		for _, n := range g.raised {
			most = max(most, n)
		}
		g.epoch += most + 1
		g.raised = nil
		return true
	}
	if g.raised == nil {
		g.raised = map[string]uint64{}
	}
	g.raised[key]++
	return false
}
