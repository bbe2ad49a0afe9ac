package admission

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// clients are those whose requests have come lately, each with its own bucket of tokens. Their
// number is bounded: the one that has been quiet for longest makes room. It has the fullest bucket,
// so that it gains the least by being forgotten.
type clients struct {
	rate   rate.Limit
	burst  int
	now    func() time.Time
	shards [shards]shard
}

const (
	shards     = 16
	maxClients = 1 << 14 // about 4 MiB
)

type shard struct {
	mu    sync.Mutex
	known *simplelru.LRU[Client, *rate.Limiter] // guarded by mu
}

func newClients(perSecond float64, burst int, now func() time.Time) *clients {
	c := &clients{rate: rate.Limit(perSecond), burst: max(1, burst), now: now}
	for i := range c.shards {
		// it fails on a size of 0 only
		c.shards[i].known, _ = simplelru.NewLRU[Client, *rate.Limiter](maxClients/shards, nil)
	}
	return c
}

// take takes a token of the client. If it has none, take returns how long it takes until it has.
func (c *clients) take(client netip.Addr) (wait time.Duration) {
	now, limiter := c.now(), c.limiter(ClientOf(client))
	if limiter.AllowN(now, 1) {
		return 0
	}
	missing := 1 - limiter.TokensAt(now)
	return max(time.Nanosecond, time.Duration(missing/float64(c.rate)*float64(time.Second)))
}

func (c *clients) limiter(name Client) *rate.Limiter {
	s := &c.shards[uint64(name)*0x9E3779B97F4A7C15>>60] // mixed, since neighbours come together
	s.mu.Lock()
	defer s.mu.Unlock()
	limiter, ok := s.known.Get(name)
	if !ok {
		limiter = rate.NewLimiter(c.rate, c.burst)
		s.known.Add(name, limiter)
	}
	return limiter
}

// Client is the number of a client: an address of IPv4 behind a prefix that no network of IPv6 has,
// or the first 64 bits of one of IPv6, which belong to one host or one household. It is 0 if the
// address isn't known.
type Client uint64

// ClientOf is the client at an address.
func ClientOf(address netip.Addr) Client {
	const mapped = 0xffff << 32
	switch address = address.Unmap(); {
	case address.Is4():
		a := address.As4()
		return Client(mapped | uint64(binary.BigEndian.Uint32(a[:])))
	case address.Is6():
		a := address.As16()
		return Client(binary.BigEndian.Uint64(a[:8]))
	}
	return 0
}
