package proxy

import (
	"strconv"
	"time"

	"github.com/scurrycache/scurry/internal/store"
)

// cacheStatus is what this cache says of its part in a response (RFC 9211).
type cacheStatus struct {
	hit       bool
	fwd       string // why the request went to the origin
	fwdStatus int
	ttl       time.Duration
	hasTTL    bool
	stored    bool
	collapsed bool
	key       string // the cache key
	detail    string // a token
}

// because makes the reason for asking the origin that of the node that owns what was asked for,
// which knows better.
func (c *cacheStatus) because(why store.Why) {
	switch {
	case c.fwd != "uri-miss":
	case why == store.Outdated:
		c.fwd = "stale"
	case why == store.Unwanted:
		c.fwd = "request"
	case why == store.OtherVariants:
		c.fwd = "vary-miss"
	}
}

// String is one member of a Cache-Status field.
func (c cacheStatus) String() string {
	b := make([]byte, 0, 64)
	b = append(b, name...)
	if c.hit {
		b = append(b, "; hit"...)
	}
	if c.fwd != "" {
		b = append(b, "; fwd="...)
		b = append(b, c.fwd...)
	}
	if c.fwdStatus != 0 {
		b = append(b, "; fwd-status="...)
		b = strconv.AppendInt(b, int64(c.fwdStatus), 10)
	}
	if c.stored {
		b = append(b, "; stored"...)
	}
	if c.collapsed {
		b = append(b, "; collapsed"...)
	}
	if c.hasTTL {
		b = append(b, "; ttl="...)
		b = strconv.AppendInt(b, int64(c.ttl/time.Second), 10)
	}
	if showable(c.key) {
		b = append(b, `; key="`...)
		b = appendQuoted(b, c.key)
		b = append(b, '"')
	}
	if c.detail != "" {
		b = append(b, "; detail="...)
		b = append(b, c.detail...)
	}
	return string(b)
}

// maxShown bounds the keys that clients are told. A longer one they know from their own request.
const maxShown = 256

// showable reports whether a key can be a string of a structured field (RFC 9651 section 3.3.3),
// and is one worth its bytes.
func showable(key string) bool {
	if key == "" || len(key) > maxShown {
		return false
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

// appendQuoted appends what stands between the quotes of a structured field's string.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}
