package store

import (
	"net/http"
	"sync"
)

// maxInterim bounds the interim responses that wait for the goroutine that called Fetch. More are
// lost.
const maxInterim = 128

// interims are interim responses on their way to the goroutine that called Fetch. Few requests have
// any.
type interims struct {
	due chan struct{} // holds one when some wait; nil if nobody is told

	mu      sync.Mutex
	waiting []func() // guarded by mu
}

// tellBy returns what takes interim responses that tell is to be called with. It never waits.
func (i *interims) tellBy(tell func(int, http.Header)) func(int, http.Header) {
	i.due = make(chan struct{}, 1)
	return func(status int, header http.Header) {
		i.mu.Lock()
		defer i.mu.Unlock()
		if len(i.waiting) == maxInterim {
			return
		}
		i.waiting = append(i.waiting, func() { tell(status, header) })
		select {
		case i.due <- struct{}{}:
		default:
		}
	}
}

// tell hands on those that wait.
func (i *interims) tell() {
	i.mu.Lock()
	waiting := i.waiting
	i.waiting = nil
	i.mu.Unlock()
	for _, tell := range waiting {
		tell()
	}
}
