package origin

import (
	"cmp"
	"time"
)

// Defaults of a Server's fields.
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
