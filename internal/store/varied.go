package store

// A response may say that its resource varies by a field (Vary) after another one, that didn't, has
// been given to other nodes. They would answer from their near copies whatever a request has in
// that field, so the owner has them drop these. One that can't be told has them for a lease.

// variesLocked is called when a record of this node's own has come under e's key. Before that,
// names told the variants apart.
func (s *Store) variesLocked(e *entry, names []string) {
	if s.cfg.Remote == nil || len(merged(names, e.varyFor(true))) == len(names) || !s.begin() {
		return
	}
	key := e.key()
	go func() {
		defer s.work.Done()
		s.cfg.Remote.Varies(key)
	}()
}

// variedLocked counts how often key has turned out to vary.
func (c *changes) variedLocked(key string) uint64 { return c.varied.of(c.canonical(key)) }

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

// outdatedLocked reports whether what f has brought may be no copy to answer others from: since f
// took off, its resource has turned out to vary.
func (s *Store) outdatedLocked(f *flight) bool {
	return f.varied != s.variedLocked(f.req.Key)
}
