package cluster

import "sync"

// A list of problems that grows longer than this is forgotten: who can make up problems must not
// fill the memory.
const maxProblems = 100

// problems tells of each problem once, until it is solved, so that one that lasts isn't told over
// and over.
type problems struct {
	tell func(error) // may be nil

	mu   sync.Mutex
	told map[string]bool
}

// report tells of the problem that key stands for, unless it has been told.
func (p *problems) report(key string, err error) {
	if p.tell != nil && p.fresh(key) {
		p.tell(err)
	}
}

func (p *problems) fresh(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told[key] {
		return false
	}
	if p.told == nil || len(p.told) >= maxProblems {
		p.told = map[string]bool{}
	}
	p.told[key] = true
	return true
}

func (p *problems) solved(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.told, key)
}

func (p *problems) allSolved() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.told)
}
