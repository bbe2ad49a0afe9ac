package origin

import (
	"cmp"
	"sync"
	"time"
)

// distrustTime is how long a server that has sent what nobody had asked for gets one request on
// each connection.
const distrustTime = time.Hour

// trust is what a Server knows of how its server keeps connections. The zero value trusts it.
type trust struct {
	period time.Duration // instead of distrustTime, if it isn't 0

	mu     sync.Mutex // guards what follows
	until  time.Time  // no connection is used twice before
	lastID int
	told   map[int]func(urls []string, until time.Time)
}

// OnUnsolicited has f called each time that bytes have come over a kept HTTP/1.1 connection which
// no request had asked for (RFC 9112 section 6.3). While the connection was idle they were told
// from a response and did no harm. But such bytes may have come before, just after a request, and
// then nobody can tell them from its response. So the responses to urls, which came over that
// connection after its first, may have been mixed up, and f should drop what it has kept of them.
// Until then, the server gets no second request over any HTTP/1.1 connection.
//
// f must return soon and not call s. It isn't called any more once stop has returned.
func (s *Server) OnUnsolicited(f func(urls []string, until time.Time)) (stop func()) {
	t := &s.trust
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told == nil {
		t.told = map[int]func([]string, time.Time){}
	}
	t.lastID++
	id := t.lastID
	t.told[id] = f
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.told, id)
	}
}

// suspect notes that something unsolicited has come over a connection that has carried requests for
// urls after its first.
func (s *Server) suspect(urls []string) {
	t := &s.trust
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.distrustedLocked() {
		t.until = time.Now().Add(cmp.Or(t.period, distrustTime))
	}
	for _, f := range t.told {
		f(urls, t.until)
	}
}

// distrusted reports whether no connection is to be used twice.
func (s *Server) distrusted() bool {
	s.trust.mu.Lock()
	defer s.trust.mu.Unlock()
	return s.trust.distrustedLocked()
}

func (t *trust) distrustedLocked() bool { return !t.until.IsZero() && time.Now().Before(t.until) }
