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

// OnUnsolicited has f called each time that bytes have come over a kept HTTP/1.1 connection which
// no request had asked for (RFC 9112 section 6.3). While the connection was idle, such bytes can be
// told from a response and did no harm. But others may have come before, just after a request,
// where they can't be told from its response. So the responses to urls, which came over that
// connection after its first, may have been mixed up, and f should drop what it has kept of them.
// Up to the time until, the server gets no second request over any HTTP/1.1 connection.
//
// f must return soon and not call s. It isn't called any more once stop has returned.
func (s *Server) OnUnsolicited(f func(urls []string, until time.Time)) (stop func()) {
	t := &s.trust
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reports == nil {
		t.reports = map[*func([]string, time.Time)]bool{}
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
