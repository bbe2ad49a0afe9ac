package listen

import (
	"context"
	"sync"
	"time"
)

// watches has clients watched whose requests take long, so that a handler learns by its context
// when its client has gone. net/http watches each client at once, which takes a goroutine that is
// woken twice, and that most requests don't need.
type watches struct {
	mu      sync.Mutex
	fresh   map[*conn]context.CancelFunc // guarded by mu: have come since the last tick
	waiting map[*conn]context.CancelFunc // guarded by mu: have come before it
	timer   *time.Timer                  // guarded by mu: ticks; nil if it doesn't
}

// patience is how long a request takes at least, and twice that at most, before its client is
// watched.
const patience = 50 * time.Millisecond

// add notes that a request on c goes to a handler, whose context gone ends.
func (w *watches) add(c *conn, gone context.CancelFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fresh == nil {
		w.fresh, w.waiting = map[*conn]context.CancelFunc{}, map[*conn]context.CancelFunc{}
	}
	w.fresh[c] = gone
	if w.timer == nil {
		w.timer = time.AfterFunc(patience, w.tick)
	}
}

// remove notes that the handler is done. If c was watched, it no longer is.
func (w *watches) remove(c *conn) {
	w.mu.Lock()
	delete(w.fresh, c)
	delete(w.waiting, c)
	watched := c.watched
	w.mu.Unlock()
	if watched == nil {
		return
	}
	_ = c.SetReadDeadline(time.Unix(1, 0)) // interrupts the watch
	<-watched
	c.watched, c.renewed = nil, 0
}

// tick has the clients watched whose requests have been there at the last tick. It comes again as
// long as there are requests.
func (w *watches) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, gone := range w.waiting {
		c.watched = make(chan struct{})
		_ = c.SetReadDeadline(time.Time{}) // else that of the request would end the watch
		go c.watch(gone, c.watched)
	}
	clear(w.waiting)
	if len(w.fresh) == 0 {
		w.timer = nil
		return
	}
	w.fresh, w.waiting = w.waiting, w.fresh
	w.timer.Reset(patience)
}

// watch calls gone if the client closes its side of the connection, or that fails, before anything
// else comes.
func (c *conn) watch(gone context.CancelFunc, over chan<- struct{}) {
	defer close(over)
	if ended(c.TCPConn) {
		gone()
	}
}
