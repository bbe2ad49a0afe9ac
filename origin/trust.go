package origin

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"
)

// distrustTime is how long a server that has sent unsolicited bytes gets one request only on each
// connection.
const distrustTime = time.Hour

// trust says whether kept connections to a server may be used again. It ends for a while when the
// server sends unsolicited bytes. The zero value trusts the server.
type trust struct {
	period      time.Duration // instead of distrustTime, if it isn't 0
	idleTimeout atomic.Int64  // after which net/http closes connections, in ns; 0 if it doesn't
	closing     atomic.Int64  // calls of CloseIdleConnections

	mu      sync.Mutex // guards what follows
	until   time.Time  // no connection is used twice before
	reports map[*func(urls []string, until time.Time)]bool
}

// closesIdle reports whether net/http may be closing a connection now because it has been idle
// since then.
func (t *trust) closesIdle(since time.Time) bool {
	idle := time.Duration(t.idleTimeout.Load())
	return t.closing.Load() > 0 || idle > 0 && time.Since(since) >= idle
}

// suspect notes that unsolicited bytes have come over a connection that has carried requests for
// urls after its first.
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

// distrusted reports whether no connection may be used twice.
func (t *trust) distrusted() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.until)
}
