package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
)

// load is requests at a steady pace to the nodes that are up. Each answer must be right.
type load struct {
	f        *fleet
	files    map[string]origintest.File // by path
	stop     func()                     // and waits for all answers
	answered atomic.Int64

	mu      sync.Mutex
	up      []*member                   // guarded by mu
	waiting map[*member]*sync.WaitGroup // for answers that haven't begun
}

const (
	pace     = 5 * time.Millisecond // between two requests
	requests = 100                  // that may be waiting for their answers
)

// startLoad begins to ask all nodes for files, until the test stops it, or ends.
func (f *fleet) startLoad(t *testing.T, files map[string]origintest.File) *load {
	l := &load{f: f, files: files, up: slices.Clone(f.all), waiting: map[*member]*sync.WaitGroup{}}
	for _, m := range f.all {
		l.waiting[m] = &sync.WaitGroup{}
	}
	done := make(chan struct{})
	var working sync.WaitGroup
	l.stop = sync.OnceFunc(func() {
		close(done)
		working.Wait()
	})
	t.Cleanup(l.stop)
	working.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		places := make(chan struct{}, requests)
		for {
			select {
			case <-tick.C:
			case <-done:
				return
			}
			places <- struct{}{}
			m, began := l.pick()
			working.Go(func() {
				if err := l.ask(m, began); err != nil {
					t.Errorf("%s, which is up: %v", m.peer, err)
				}
				<-places
			})
		}
	})
	return l
}

// pick chooses the node for the next request. The caller calls began when its answer has begun.
func (l *load) pick() (m *member, began func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m = l.up[rand.IntN(len(l.up))]
	l.waiting[m].Add(1)
	return m, sync.OnceFunc(l.waiting[m].Done)
}

// ask asks m for one of the files, and says what is wrong with the answer.
func (l *load) ask(m *member, began func()) error {
	defer began()
	path := fmt.Sprint("f", rand.IntN(len(l.files)))
	resp, err := l.f.client.Get(m.url(path))
	if err != nil {
		return err
	}
	began()
	err = correct(resp, l.files[path])
	l.answered.Add(1)
	return err
}

// avoid has m asked no more. When it returns, all that m has been asked it has begun to answer:
// what has only been sent to a node is lost when that closes its listener.
func (l *load) avoid(m *member) {
	l.mu.Lock()
	l.up = slices.DeleteFunc(slices.Clone(l.up), func(other *member) bool { return other == m })
	l.mu.Unlock()
	l.waiting[m].Wait()
}

// resume has m asked again.
func (l *load) resume(m *member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = append(slices.Clone(l.up), m)
}

// await waits for so many more answers.
func (l *load) await(t *testing.T, more int64) {
	t.Helper()
	enough := l.answered.Load() + more
	if !eventually(func() bool { return l.answered.Load() >= enough }) {
		t.Fatal("the answers have stopped")
	}
}
