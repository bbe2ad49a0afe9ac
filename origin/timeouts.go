package origin

import (
	"cmp"
	"time"
)

// Timeouts are those of a Server. Zero stands for the default that the comment names, a negative
// duration for no limit.
type Timeouts struct {
	// DialTimeout limits how long a connection may take to be made. Default: 10 seconds.
	DialTimeout time.Duration

	// TLSTimeout limits how long a TLS handshake may take. Default: 10 seconds.
	TLSTimeout time.Duration

	// HeaderTimeout limits how long the head of a response may take once there is a connection for
	// its request, or once the request's body is sent. Default: 30 seconds.
	HeaderTimeout time.Duration

	// BodyTimeout limits how long a Read of a body may wait for its next byte; a reader that pauses
	// between Reads isn't held against the server. The Read's error then has a Timeout method that
	// returns true. Default: 30 seconds.
	BodyTimeout time.Duration

	// IdleTimeout is how long an unused connection is kept for the next request. Default: 90
	// seconds.
	IdleTimeout time.Duration
}

// Defaults of Timeouts.
const (
	defaultDialTimeout   = 10 * time.Second
	defaultTLSTimeout    = 10 * time.Second
	defaultHeaderTimeout = 30 * time.Second
	defaultBodyTimeout   = 30 * time.Second
	defaultIdleTimeout   = 90 * time.Second
)

// limit returns d, or byDefault if d is zero. If d is negative it returns zero, which means no
// limit to net and net/http.
func limit(d, byDefault time.Duration) time.Duration {
	return max(cmp.Or(d, byDefault), 0)
}

// timeoutError is the error of an operation that took too long.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }
func (timeoutError) Timeout() bool   { return true }
