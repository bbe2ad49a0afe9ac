// Package workers runs functions in goroutines that are used again, or with their callers for as
// long as those wait for them: see Task.
//
// A new goroutine begins with a small stack, which is copied each time that it turns out to be too
// small: for a function that calls deep and does little, that takes longer than the function. A
// goroutine that has run one before has the stack already.
package workers

import "sync"

// most is how many goroutines wait for work at most. The collector shrinks their stacks.
const most = 64

// Pool is goroutines that wait for work. Its methods may be called concurrently. It must be closed.
type Pool struct {
	work chan func() // has room for each that waits

	mu      sync.Mutex
	waiting int          // guarded by mu, as is what follows: goroutines without work
	idle    []*coroutine // without work, likewise
	closed  bool         // none is to wait any more
}

// New makes a Pool without goroutines.
func New() *Pool { return &Pool{work: make(chan func(), most)} }

// Go runs f in a goroutine that waits, or else in a new one, as the go statement does.
func (p *Pool) Go(f func()) {
	p.mu.Lock()
	waits := p.waiting > 0
	if waits {
		p.waiting--
	}
	p.mu.Unlock()
	if waits {
		p.work <- f
	} else {
		go p.run(f)
	}
}

func (p *Pool) run(f func()) {
	for f != nil {
		f()
		f = p.next()
	}
}

// next waits for work. It returns nil if there are enough that do, or once p is closed.
func (p *Pool) next() func() {
	p.mu.Lock()
	if p.closed || p.waiting == most {
		p.mu.Unlock()
		return nil
	}
	p.waiting++
	p.mu.Unlock()
	return <-p.work
}

// Close ends the goroutines that wait, and has the others end with what they run. Go may still be
// called: then it is the go statement.
func (p *Pool) Close() {
	p.mu.Lock()
	waiting := p.waiting
	idle := p.idle
	p.waiting, p.idle, p.closed = 0, nil, true
	p.mu.Unlock()
	for range waiting {
		p.work <- nil
	}
	for _, c := range idle {
		c.stop()
	}
}
