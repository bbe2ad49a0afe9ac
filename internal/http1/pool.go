package http1

import (
	"slices"
	"sync"
	"time"
)

// lookInterval is how often the idle connections are looked at. One over which something has come
// may have brought a wrong response before, which Client.Unsolicited has to be told.
const lookInterval = time.Second

// pool holds the idle connections. The zero value is ready for use.
type pool struct {
	mu      sync.Mutex // guards what follows
	idle    []*conn    // those used last at the end
	closed  bool
	timer   *time.Timer // calls look; nil before the first connection
	pending bool        // the timer is running
}

// put makes cn idle, unless there are max already or the pool is closed.
func (p *pool) put(cn *conn, max int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= max {
		return false
	}
	cn.setIdle()
	p.idle = append(p.idle, cn)
	p.lookSoonLocked()
	return true
}

// lookSoonLocked has look called after lookInterval.
func (p *pool) lookSoonLocked() {
	switch {
	case p.pending:
		return
	case p.timer == nil:
		p.timer = time.AfterFunc(lookInterval, p.look)
	default:
		p.timer.Reset(lookInterval)
	}
	p.pending = true
}

// take removes and returns the connection that was used last of those that may carry a request. It
// closes those that have ended. It returns nil if there is none.
func (p *pool) take() *conn {
	var skipped []*conn
	for {
		cn := p.last(skipped)
		if cn == nil {
			return nil
		}
		switch cn.claim() {
		case quiet:
			p.remove(cn)
			return cn
		case ended:
			p.remove(cn)
			_ = cn.Close()
		default:
			skipped = append(skipped, cn)
		}
	}
}

// last returns the connection that was used last, but for those.
func (p *pool) last(but []*conn) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cn := range slices.Backward(p.idle) {
		if !slices.Contains(but, cn) {
			return cn
		}
	}
	return nil
}

func (p *pool) remove(cns ...*conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(cn *conn) bool { return slices.Contains(cns, cn) })
}

// look closes the connections that have ended, over which something has come, or that have been
// idle for too long.
func (p *pool) look() {
	p.mu.Lock()
	idle := slices.Clone(p.idle)
	p.mu.Unlock()
	var ended []*conn
	for _, cn := range idle {
		if cn.endIfDue() {
			_ = cn.Close()
			ended = append(ended, cn)
		}
	}
	p.remove(ended...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending = false; len(p.idle) > 0 {
		p.lookSoonLocked()
	}
}

func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}

// clear closes what is in the pool, and the pool for ever if that is asked for.
func (p *pool) clear(forever bool) {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, p.closed || forever
	if p.timer != nil && p.timer.Stop() {
		p.pending = false
	}
	p.mu.Unlock()
	for _, cn := range idle {
		if cn.end() { // else a request has just claimed it
			_ = cn.Close()
		}
	}
}
