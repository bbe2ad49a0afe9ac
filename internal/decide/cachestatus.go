package decide

import (
	"strconv"
	"time"

	"github.com/scurrycache/scurry/internal/store"
)

// Name is what this cache calls itself in Via, Cache-Status and Proxy-Status.
const Name = "scurry"

// CacheStatus is what this cache says of its part in a response (RFC 9211).
type CacheStatus struct {
	Hit       bool
	Fwd       string // why the request went to the origin
	FwdStatus int
	TTL       time.Duration
	HasTTL    bool
	Stored    bool
	Collapsed bool
	Key       string // the cache key
	Detail    string // a token
}

// because makes the reason for asking the origin that of the node that owns what was asked for,
// which knows better.
func (c *CacheStatus) because(why store.Why) {
	switch {
	case c.Fwd != "uri-miss":
	case why == store.Outdated:
		c.Fwd = "stale"
	case why == store.Unwanted:
		c.Fwd = "request"
	case why == store.OtherVariants:
		c.Fwd = "vary-miss"
	}
}

// String is one member of a Cache-Status field.
func (c CacheStatus) String() string {
	b := make([]byte, 0, 64)
	b = append(b, Name...)
	if c.Hit {
		b = append(b, "; hit"...)
	}
	if c.Fwd != "" {
		b = append(b, "; fwd="...)
		b = append(b, c.Fwd...)
	}
	if c.FwdStatus != 0 {
		b = append(b, "; fwd-status="...)
		b = strconv.AppendInt(b, int64(c.FwdStatus), 10)
	}
	if c.Stored {
		b = append(b, "; stored"...)
	}
	if c.Collapsed {
		b = append(b, "; collapsed"...)
	}
	if c.HasTTL {
		b = append(b, "; ttl="...)
		b = strconv.AppendInt(b, int64(c.TTL/time.Second), 10)
	}
	if showable(c.Key) {
		b = append(b, `; key="`...)
		b = appendQuoted(b, c.Key)
		b = append(b, '"')
	}
	if c.Detail != "" {
		b = append(b, "; detail="...)
		b = append(b, c.Detail...)
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

// Outcome is what the cache did for a request, as the access log and Stats tell it.
type Outcome uint8

const (
	OutcomeNone        Outcome = iota // the request got as far as no resource
	OutcomeHit                        // from a fresh stored response
	OutcomeMiss                       // this request went to the origin and was stored
	OutcomePartial                    // from a fresh stored response, some content from the origin
	OutcomeStale                      // from a stored response that was no longer fresh
	OutcomeRevalidated                // from a stored response, which the origin has confirmed
	OutcomeCollapsed                  // shares the answer to another client's request
	OutcomePass                       // went to the origin past the cache
	Outcomes
)

func (o Outcome) String() string {
	return [...]string{"", "hit", "miss", "partial", "stale", "revalidated", "collapsed", "pass"}[o]
}

// OutcomeOf is the outcome of a request that a fresh stored response answers. A response is a hit
// if the origin isn't asked for any of it (RFC 9211 section 2.1): of what is fresh, some content
// may have been evicted, or not yet have come.
func OutcomeOf(asked store.Asked) Outcome {
	switch asked {
	case store.NotAsked:
		return OutcomeHit
	case store.AskedForOthers:
		return OutcomeCollapsed
	}
	return OutcomePartial
}
