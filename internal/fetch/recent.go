package fetch

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Failed is a request to the origin that brought no usable response, or only a part of one. URL has
// no password. Text is for operators.
type Failed struct {
	At                time.Time
	Method, URL, Text string
}

// recentFailures are how many are kept, and longestText the bytes of a URL or a text.
const (
	recentFailures = 20
	longestText    = 1 << 10
)

// recent is the latest failures. Its methods may be called concurrently.
type recent struct {
	mu   sync.Mutex // guards list
	list []Failed   // the oldest first
}

// add adds f. A text may say the request once more, which is left out.
func (r *recent) add(f Failed) {
	request := f.Method + " " + f.URL + ": "
	f.Text = strings.NewReplacer(" of "+request, ": ", request, "").Replace(f.Text)
	f.URL, f.Text = cut(f.URL), cut(f.Text)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == recentFailures {
		r.list = slices.Delete(r.list, 0, 1)
	}
	r.list = append(r.list, f)
}

// cut is text without what is too long of it.
func cut(text string) string {
	if len(text) <= longestText {
		return strings.Clone(text)
	}
	return strings.ToValidUTF8(text[:longestText], "") + "…"
}

// latest returns the failures, the latest first.
func (r *recent) latest() []Failed {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.list)
	slices.Reverse(list)
	return list
}
