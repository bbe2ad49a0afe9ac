package groups

// groupcache doesn't tell whether a group holds a key, nor what it evicts. To look a key up costs
// as much as to get its value. But it counts what it evicts, and evicts what has been used longest
// ago.

// Mark is a moment in the life of a group.
type Mark struct{ evictions, used int64 }

// Mark is now.
func (g *Group) Mark() Mark {
	u := g.pooled.usage()
	return Mark{u.Evictions + u.HotEvictions, g.used.Load()}
}

// Keeps tells whether g certainly still holds what it was found to hold since m, of values no
// larger than largest; else some may have been evicted.
//
// A value makes room for others when its cache has none that was used longer ago, and the two
// caches together are larger than the budget. It is the main cache that makes room unless the hot
// one is larger than an eighth of it. So more than eight ninths of the budget have been used since
// the value was, or a ninth if it is in the hot cache, which only a group with peers has. The
// fillers of what is reserved are values like others here.
func (g *Group) Keeps(m Mark, largest int64) bool {
	now, enough := g.Mark(), g.pooled.budget/9
	if g.tenant.Remote == nil {
		enough *= 8
	}
	return now.evictions == m.evictions || now.used-m.used < enough-largest-maxKey
}

// maxKey is more than the length of a key.
const maxKey = 256
