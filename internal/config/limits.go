package config

import (
	"math"
	"strconv"
	"strings"
)

// Limits is what clients may take of a node.
type Limits struct {
	MaxConnections       Count `default:"0" placeholder:"N" group:"Limits:" help:"How many connections of clients there may be; for one more, the one that has been idle for longest is closed, or else it gets a 503. 0 for any number (${default})."`
	MaxClientConnections Count `default:"0" placeholder:"N" group:"Limits:" help:"How many of these one client may have, by its address or its /64 network of IPv6; one more is treated the same. Connections of --trusted-proxies don't count. 0 for any number (${default})."`
	MaxRequests          Count `default:"0" placeholder:"N" group:"Limits:" help:"How many requests may be in flight; others get a 503. 0 for any number (${default})."`
	ClientRate           Rate  `default:"0" placeholder:"N" group:"Limits:" help:"How many requests one client may send in a second; others get a 429. 0 for any number (${default})."`
	ClientBurst          Count `default:"0" placeholder:"N" group:"Limits:" help:"How many requests beyond --client-rate a client may send at once; 0 for as many as that allows in ten seconds (${default})."`
	MaxOriginRequests    Count `default:"0" placeholder:"N" group:"Limits:" help:"How many requests to the origin there may be at once; others wait. 0 for any number (${default})."`
	OriginQueue          Count `default:"256" placeholder:"N" group:"Limits:" help:"How many requests to the origin may wait, for ten seconds at the most; others get a 503 (${default})."`
	MaxObject            Size  `placeholder:"SIZE" group:"Limits:" help:"Largest content that is stored; for a larger one the origin is asked for each client."`
	ReadOnly             bool  `group:"Limits:" help:"Refuse all methods but GET, HEAD and OPTIONS, with a 405."`
	TrustedProxies       CIDRs `default:"none" placeholder:"CIDR,..." group:"Limits:" help:"Networks of the proxies that are believed who the client is, by X-Forwarded-For or Forwarded; or none (${default})."`
}

// KeyRules is what of a request selects a stored response, besides its path.
type KeyRules struct {
	QueryKeep  QueryNames `default:"all" placeholder:"NAME,..." group:"Key:" help:"Fields of the query that matter; the others aren't sent to the origin. Names, or all, or none (${default})."`
	QuerySort  bool       `group:"Key:" help:"Sort the query's fields by name, so that their order doesn't matter."`
	KeyFields  FieldNames `default:"none" placeholder:"NAME,..." group:"Key:" help:"Request fields that select a stored response, as if each response named them in Vary; or none (${default})."`
	DropFields FieldNames `default:"none" placeholder:"NAME,..." group:"Key:" help:"Request fields that are taken for absent, and aren't sent to the origin; or none (${default})."`
}

// QueryNames is the names of a query's fields, decoded, with commas between them, or "all" or
// "none".
type QueryNames string

const wantQueryNames = "names of query fields with commas between them, all or none"

// UnmarshalText implements encoding.TextUnmarshaler.
func (q *QueryNames) UnmarshalText(text []byte) error {
	for name := range strings.SplitSeq(string(text), ",") {
		if name == "" || strings.ContainsAny(name, " &=?#") {
			return unexpected(wantQueryNames, text)
		}
	}
	*q = QueryNames(text)
	return nil
}

// Names is the names in q: nil for all, and empty for none.
func (q QueryNames) Names() []string {
	switch q {
	case "all", "":
		return nil
	case "none":
		return []string{}
	}
	return strings.Split(string(q), ",")
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
