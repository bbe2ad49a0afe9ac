package groups

import (
	"sync"
)

// pool keeps the pooled groups that have no tenant, by budget.
type pool struct {
	mu     sync.Mutex
	groups map[int64][]*pooledGroup // guarded by mu
}

// idle is a package variable because groupcache's table of groups is one.
var idle = pool{groups: map[int64][]*pooledGroup{}}

func (p *pool) take(budget int64) *pooledGroup {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.groups[budget]
	if len(free) == 0 {
		return newPooledGroup(budget)
	}
	s := free[len(free)-1]
	p.groups[budget] = free[:len(free)-1]
	return s
}

func (p *pool) put(s *pooledGroup) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.groups[s.budget] = append(p.groups[s.budget], s)
}
