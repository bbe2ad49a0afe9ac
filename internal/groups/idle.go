package groups

import "sync"

// kind says which tenants can have a pooled group. A tenant without peers can't have one that had
// peers: fillers are left in its hot cache, and only values from peers push them out.
type kind struct {
	budget int64
	peers  bool
}

// pool keeps the pooled groups that have no tenant.
type pool struct {
	mu     sync.Mutex
	groups map[kind][]*pooledGroup // guarded by mu
}

// idle is a package variable because groupcache's table of groups is one.
var idle = pool{groups: map[kind][]*pooledGroup{}}

func (p *pool) take(k kind) *pooledGroup {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.groups[k]
	if len(free) == 0 {
		return newPooledGroup(k)
	}
	g := free[len(free)-1]
	p.groups[k] = free[:len(free)-1]
	return g
}

func (p *pool) put(g *pooledGroup) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.groups[g.kind] = append(p.groups[g.kind], g)
}
