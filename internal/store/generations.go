package store

// generations counts how often something has happened to each of many keys. The zero value is ready
// for use.
type generations struct {
	epoch  uint64
	raised map[string]uint64 // above epoch
}

// The keys that something has happened to are bounded: when there are more, all are raised at once.
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
