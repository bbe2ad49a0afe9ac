package origin

import (
	"cmp"
	"sync"
	"time"
)

// distrustTime is how long a server that has sent unsolicited bytes gets one request only on each
// connection.
const distrustTime = time.Hour

// trust says whether kept connections to a server may be used again. It ends for a while when the
// server sends unsolicited bytes. The zero value trusts the server.
type trust struct {
	period time.Duration // instead of distrustTime, if it isn't 0

	mu      sync.Mutex // guards what follows
	until   time.Time  // no connection is used twice before
	reports map[*report]bool
}

// report is told of what is suspected.
type report func(urls []string, until time.Time)

// onUnsolicited is Server.OnUnsolicited.
func (t *trust) onUnsolicited(f report) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reports == nil {
		t.reports = map[*report]bool{}
	}
	t.reports[&f] = true
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.reports, &f)
	}
}

// suspect notes that unsolicited bytes have come over a connection that has carried requests for
// urls after its first.
func (t *trust) suspect(urls []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.distrustedLocked() {
		t.until = time.Now().Add(cmp.Or(t.period, distrustTime))
	}
	for f := range t.reports {
		(*f)(urls, t.until)
	}
}

// distrusted reports whether no connection may be used twice.
func (t *trust) distrusted() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.distrustedLocked()
}

func (t *trust) distrustedLocked() bool { return time.Now().Before(t.until) }
