package proxy

import (
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/store"
)

// MaxFiles is how many Files has of each kind, at most.
const MaxFiles = 100

// largest is the largest of what is stored. Finding them takes a look at all records, which is done
// for a 20th of the time at most.
type largest struct {
	mu    sync.Mutex // guards the rest
	list  []*store.Record
	again time.Time
}

// get returns up to n of them.
func (l *largest) get(s *store.Store, n int) []*store.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	if start := time.Now(); !start.Before(l.again) {
		l.list = s.Largest(MaxFiles)
		l.again = start.Add(20 * time.Since(start))
	}
	return l.list[:min(n, len(l.list))]
}
