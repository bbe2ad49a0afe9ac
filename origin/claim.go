package origin

import (
	"crypto/tls"
	"net/http/httptrace"
	"net/url"
	"time"
)

// claimTime is how long a request waits for net/http to read from a kept connection again. That
// takes some microseconds, or never happens; the request then takes another connection.
const claimTime = 250 * time.Millisecond

// goneTime is how long a request waits for net/http to notice that a connection was closed. That
// takes as long as the reader waits for its turn to run. It depends on net/http's inner workings,
// which a request mustn't hang by.
const goneTime = 10 * time.Second

// use prepares the connection that net/http has taken for a request for u. It returns the
// guardedConn whose end is to be called at the response's end, or nil. It closes a connection that
// can't be used, and net/http takes another. It isn't ok if net/http doesn't: what comes then may
// be another request's response.
func use(info httptrace.GotConnInfo, u *url.URL) (c *guardedConn, ok bool) {
	c, guarded := info.Conn.(*guardedConn)
	ok = true
	tunnel, secure := info.Conn.(*tls.Conn)
	switch {
	case !info.Reused:
	case guarded && !c.claim(withoutUserinfo(u).String()):
		ok = c.giveUp()
	case secure && tunnel.ConnectionState().NegotiatedProtocol != "h2":
		// It is TLS in a proxy's tunnel, where what has been read can't be seen.
		if below, guarded := tunnel.NetConn().(*guardedConn); guarded {
			ok = below.giveUp()
		}
	}
	return c, ok
}

// claim waits until c is quiet and reserves it for a request for url. It returns false if c isn't
// to be used.
func (c *guardedConn) claim(url string) bool {
	var late <-chan time.Time
	for !c.spent() {
		if c.tryClaim(url) {
			return true
		}
		if late == nil {
			late = time.After(claimTime)
		}
		select {
		case <-c.wire.reads:
		case <-c.gone:
			return false
		case <-late:
			return false
		}
	}
	return false
}

// spent reports whether c may carry no more requests.
func (c *guardedConn) spent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.urls) >= maxHistory || c.urlBytes >= maxHistoryBytes ||
		c.trust.distrusted()
}

// tryClaim is claim without the wait. A connection that net/http has kept without any use is still
// busy.
func (c *guardedConn) tryClaim(url string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.wire.quiet() {
		return false
	}
	c.phase, c.next = idle, url
	return true
}

// giveUp closes c below net/http and waits until net/http's reader has noticed, which happens as
// soon as that runs. The reader may still hold earlier bytes, and would take them for the response
// to the request that is about to be sent. It returns false if the reader hasn't noticed in time.
func (c *guardedConn) giveUp() (gone bool) {
	if c.trust.distrusted() { // what would still come is read by nobody
		c.mu.Lock()
		c.suspectLocked()
		c.mu.Unlock()
	}
	_ = c.wire.Close()
	select {
	case <-c.gone:
		return true
	case <-time.After(goneTime):
		return false
	}
}

// end notes that a response has ended and that net/http keeps c for the next request. It is called
// before net/http's reader reads again.
func (c *guardedConn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == busy {
		c.phase, c.since = ended, time.Now()
	}
}
