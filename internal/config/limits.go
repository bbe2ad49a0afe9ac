package config

import (
	"math"
	"strconv"
)

// Limits is what clients may take of a node.
type Limits struct {
	MaxConnections    Count `default:"0" placeholder:"N" group:"Limits:" help:"How many connections of clients there may be; for one more, the one that has been idle for longest is closed, or else it gets a 503. 0 for any number (${default})."`
	MaxRequests       Count `default:"0" placeholder:"N" group:"Limits:" help:"How many requests may be in flight; others get a 503. 0 for any number (${default})."`
	ClientRate        Rate  `default:"0" placeholder:"N" group:"Limits:" help:"How many requests one client may send in a second; others get a 429. 0 for any number (${default})."`
	ClientBurst       Count `default:"0" placeholder:"N" group:"Limits:" help:"How many requests beyond --client-rate a client may send at once; 0 for as many as that allows in ten seconds (${default})."`
	MaxOriginRequests Count `default:"0" placeholder:"N" group:"Limits:" help:"How many requests to the origin there may be at once; others wait. 0 for any number (${default})."`
	OriginQueue       Count `default:"256" placeholder:"N" group:"Limits:" help:"How many requests to the origin may wait, for ten seconds at the most; others get a 503 (${default})."`
	TrustedProxies    CIDRs `default:"none" placeholder:"CIDR,..." group:"Limits:" help:"Networks of the proxies that are believed who the client is, by X-Forwarded-For or Forwarded; or none (${default})."`
}

// Count is a number that isn't negative.
type Count int

const wantCount = "a whole number, not below 0"

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 31)
	if err != nil {
		return unexpected(wantCount, text)
	}
	*c = Count(n)
	return nil
}

// Rate is how often something may happen in a second.
type Rate float64

const wantRate = "a number in a second, such as 20 or 0.5"

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Rate) UnmarshalText(text []byte) error {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(n >= 0) || math.IsInf(n, 0) {
		return unexpected(wantRate, text)
	}
	*r = Rate(n)
	return nil
}
