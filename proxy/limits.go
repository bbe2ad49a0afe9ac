package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
)

// Limits bound what clients may take of a Proxy, and a Proxy of its origin. The zero value sets no
// limit. Each node of a cluster has its own.
type Limits struct {
	// Requests is how many requests of clients may be in flight at once; others are answered with
	// 503 and Retry-After. A request is in flight until its response has been written. Default: any
	// number.
	Requests int

	// ClientRate is how many requests one client may send in a second in the long run; others are
	// answered with 429 and Retry-After. A client is an address of IPv4, or the first 64 bits of
	// one of IPv6. Default: any number.
	ClientRate float64

	// ClientBurst is how many requests beyond ClientRate a client may send at once. Default: as
	// many as ClientRate allows in ten seconds, and one at least.
	ClientBurst int

	// OriginRequests is how many requests to the origin there may be at once, each until the end of
	// its response's content. Others wait for one of these to end: for ten seconds at the most, and
	// OriginQueue of them at once. Those that find no place, or wait for longer, are answered with
	// what is stale, or with 503 and Retry-After. Validations in the background don't wait: they
	// are put off. Requests of other nodes, for what this one owns, count as well. Default: any
	// number.
	OriginRequests int

	// OriginQueue is how many requests may wait. Default: 256; negative: none.
	OriginQueue int

	// Object is the largest content that is stored, in bytes. For a larger one, the origin is asked
	// once per client. If a length isn't known, what has come is dropped when it turns out to be
	// larger. Default: any, within Memory.
	Object int64

	// TrustedProxies are the networks of the proxies that are believed who the client is. Of a
	// request that comes over a connection of one of these, X-Forwarded-For and Forwarded (RFC
	// 7239) tell the client's address for the limits and the access log: the last address that
	// isn't in these networks. Default: none is believed.
	TrustedProxies []netip.Prefix
}

func (l Limits) withDefaults() Limits {
	l.OriginQueue = max(0, cmp.Or(l.OriginQueue, 256))
	l.Object = min(l.Object, 1<<60) // no content is larger
	l.ClientBurst = cmp.Or(l.ClientBurst, int(min(math.Ceil(10*l.ClientRate), math.MaxInt32)))
	return l
}

func (l Limits) validate() error {
	switch {
	case l.Requests < 0 || l.ClientBurst < 0 || l.OriginRequests < 0 || l.Object < 0:
		return errors.New("a negative limit: leave it at zero for no limit")
	case !(l.ClientRate >= 0) || math.IsInf(l.ClientRate, 0):
		return errors.New("Limits.ClientRate isn't a number of requests in a second")
	}
	return checkNetworks("Limits.TrustedProxies", l.TrustedProxies)
}

// checkNetworks returns what is wrong with a field that has networks.
func checkNetworks(field string, networks []netip.Prefix) error {
	if !slices.ContainsFunc(networks, func(n netip.Prefix) bool { return !n.IsValid() }) {
		return nil
	}
	return fmt.Errorf("an invalid network in %s", field)
}
