package cluster

import "sync"

// A list of problems that grows longer than this is forgotten: who can make up problems must not
// fill the memory.
const maxProblems = 100

// problems reports each problem once until it is solved, so that one that lasts isn't reported
// again and again.
type problems struct {
	notify func(error) // may be nil

	mu       sync.Mutex
	reported map[string]bool
}

// report reports the problem with that key, unless it has been reported.
func (p *problems) report(key string, err error) {
	if p.notify != nil && p.fresh(key) {
		p.notify(err)
	}
}

func (p *problems) fresh(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reported[key] {
		return false
	}
	if p.reported == nil || len(p.reported) >= maxProblems {
		p.reported = map[string]bool{}
	}
	p.reported[key] = true
	return true
}

func (p *problems) solved(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.reported, key)
}

func (p *problems) allSolved() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.reported)
}
