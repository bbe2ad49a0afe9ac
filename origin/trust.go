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
	reports map[*func(urls []string, until time.Time)]bool
}

// suspect notes that unsolicited bytes have come over a connection that has carried requests for
// urls after its first, or may be about to come.
func (t *trust) suspect(urls []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !time.Now().Before(t.until) {
		t.until = time.Now().Add(cmp.Or(t.period, distrustTime))
	}
	for f := range t.reports {
		(*f)(urls, t.until)
	}
}

// trusted reports whether connections may be used again.
func (t *trust) trusted() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !time.Now().Before(t.until)
}
