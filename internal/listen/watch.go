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
	fresh   map[*watch]struct{} // guarded by mu: have come since the last tick
	waiting map[*watch]struct{} // guarded by mu: have come before it
	timer   *time.Timer         // guarded by mu: ticks; nil if it doesn't
}

// watch is that of one request's client.
type watch struct {
	conn watchable
	gone context.CancelFunc // ends the context of the request
	over chan struct{}      // closed when the watch is over; nil before it begins
}

// watchable is a client's connection.
type watchable interface {
	// awaitEnd waits for what comes next, which it leaves there, or for the read deadline. It
	// reports whether it is the end.
	awaitEnd() (is bool)
	SetReadDeadline(t time.Time) error
}

// patience is how long a request takes at least, and twice that at most, before its client is
// watched.
const patience = 50 * time.Millisecond

// add notes that a request goes to a handler.
func (w *watches) add(one *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fresh == nil {
		w.fresh, w.waiting = map[*watch]struct{}{}, map[*watch]struct{}{}
	}
	w.fresh[one] = struct{}{}
	if w.timer == nil {
		w.timer = time.AfterFunc(patience, w.tick)
	}
}

// remove notes that the handler is done, and ends the watch. It reports whether there was one: then
// the connection's read deadline is another.
func (w *watches) remove(one *watch) (was bool) {
	w.mu.Lock()
	delete(w.fresh, one)
	delete(w.waiting, one)
	over := one.over
	w.mu.Unlock()
	if over == nil {
		return false
	}
	_ = one.conn.SetReadDeadline(time.Unix(1, 0))
	<-over
	return true
}

// tick has the clients watched whose requests have been there at the last tick. It comes again as
// long as there are requests.
func (w *watches) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.waiting {
		one.over = make(chan struct{})
		_ = one.conn.SetReadDeadline(time.Time{}) // else that of the request would end the watch
		go one.run(one.over)
	}
	clear(w.waiting)
	if len(w.fresh) == 0 {
		w.timer = nil
		return
	}
	w.fresh, w.waiting = w.waiting, w.fresh
	w.timer.Reset(patience)
}

// run calls gone if the client closes its side of the connection, or that fails, before anything
// else comes.
func (one *watch) run(over chan<- struct{}) {
	defer close(over)
	if one.conn.awaitEnd() {
		one.gone()
	}
}
