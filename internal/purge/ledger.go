package purge

import (
	"encoding/json"
	"errors"
	"sync"
	"time"
)

// ErrID is that an ID stands for another purge.
var ErrID = errors.New("another purge has had this id some minutes ago: give each its own")

const (
	keepFor = 10 * time.Minute // how long an ID is remembered
	keepIDs = 1000             // how many are, at most
)

// Ledger remembers what has come of the latest purges that had an ID. The zero Ledger is ready. Its
// methods may be called concurrently.
type Ledger struct {
	mu    sync.Mutex // guards what follows
	byID  map[string]*deed
	order []*deed // the oldest first
}

// deed is a purge that has begun.
type deed struct {
	id, of string
	began  time.Time
	done   chan struct{} // closed when there is a result
	result *Result
}

// Do returns what purge, which stands for q, returns. If a purge with q's ID has begun within the
// last minutes, Do waits for that one's result instead; the error is ErrID if that isn't the same
// purge.
func (l *Ledger) Do(q *Request, purge func() *Result) (*Result, error) {
	if q.ID == "" {
		return purge(), nil
	}
	of, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	d, isNew := l.deed(q.ID, string(of))
	switch {
	case d.of != string(of):
		return nil, ErrID
	case isNew:
		d.result = purge()
		close(d.done)
	}
	<-d.done
	return d.result, nil
}

// deed returns the one with that ID, a new one if there is none.
func (l *Ledger) deed(id, of string) (d *deed, isNew bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.order) > 0 && time.Since(l.order[0].began) > keepFor {
		l.dropLocked()
	}
	if d := l.byID[id]; d != nil {
		return d, false
	}
	if len(l.order) == keepIDs {
		l.dropLocked()
	}
	if l.byID == nil {
		l.byID = map[string]*deed{}
	}
	d = &deed{id: id, of: of, began: time.Now(), done: make(chan struct{})}
	l.byID[id], l.order = d, append(l.order, d)
	return d, true
}

// dropLocked forgets the oldest purge.
func (l *Ledger) dropLocked() {
	delete(l.byID, l.order[0].id)
	l.order[0] = nil
	l.order = l.order[1:]
}
