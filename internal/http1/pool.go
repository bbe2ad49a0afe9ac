package http1

import (
	"slices"
	"sync"
	"time"
)

// round is how often the connections that wait for a request are looked at. One whose server has
// sent something that nobody asked for may have brought a wrong response before, so somebody waits
// to hear of it.
const round = time.Second

// pool holds the connections that wait for a request. The zero value is ready for use.
type pool struct {
	mu      sync.Mutex // guards what follows
	idle    []*conn    // those used last at the end
	closed  bool
	rounds  *time.Timer // calls look; nil before the first connection
	rounded bool        // rounds is running
}

// put adds n, unless there are max already or the pool is closed.
func (p *pool) put(n *conn, max int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= max {
		return false
	}
	p.idle = append(p.idle, n)
	p.lookSoonLocked()
	return true
}

// lookSoonLocked has look called after a round.
func (p *pool) lookSoonLocked() {
	switch {
	case p.rounded:
		return
	case p.rounds == nil:
		p.rounds = time.AfterFunc(round, p.look)
	default:
		p.rounds.Reset(round)
	}
	p.rounded = true
}

// take removes and returns the connection that was used last of those that suit, and removes those
// that don't. It returns nil if there is none.
func (p *pool) take(suits func(*conn) bool) *conn {
	for {
		p.mu.Lock()
		last := len(p.idle) - 1
		if last < 0 {
			p.mu.Unlock()
			return nil
		}
		n := p.idle[last]
		p.idle = slices.Delete(p.idle, last, last+1)
		p.mu.Unlock()
		if suits(n) {
			return n
		}
		_ = n.Close()
	}
}

// look removes the connections that have ended, have brought something or have waited too long.
func (p *pool) look() {
	p.mu.Lock()
	waiting := slices.Clone(p.idle)
	p.mu.Unlock()
	var ended []*conn
	for _, n := range waiting {
		if !n.waits() {
			_ = n.Close()
			ended = append(ended, n)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(n *conn) bool { return slices.Contains(ended, n) })
	if p.rounded = false; len(p.idle) > 0 {
		p.lookSoonLocked()
	}
}

// clear closes what is in the pool, and the pool for ever if that is asked for.
func (p *pool) clear(forever bool) {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, p.closed || forever
	if p.rounds != nil && p.rounds.Stop() {
		p.rounded = false
	}
	p.mu.Unlock()
	for _, n := range idle {
		_ = n.Close()
	}
}
