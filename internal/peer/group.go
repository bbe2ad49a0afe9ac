// Package peer makes this process one of several nodes that share the keys of their groups.
//
// Each key has one owner, which all nodes find on the same ring. A Node keeps connections to its
// peers, and the ring to those of them that live. A Group is one of groupcache's groups, acquired
// by one tenant: a key goes in; out comes its value, from memory, from the owner by Fetch, or from
// the Getter of this node. Values are immutable and belong to all who got them. What else is
// requested from peers, and what requests and responses mean, is the caller's business.
//
//	Group.Get ─► groupcache ─► ring ─► owner? ─ this node ─► Getter
//	                                     └───── a peer ────► Fetch ─► Peer.Open ─► wire ─► the peer's Serve
//
// This package is the only user of groupcache's registration: groupcache knows its groups by name,
// one table for the process, and never frees one, so they are acquired by nodes and released.
package peer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/golang/groupcache"
)

// ErrClosed is what Get answers once its group has been released.
var ErrClosed = errors.New("group is closed")

// Getter loads the value of a key (without the group's prefix) on this node. The value becomes
// groupcache's: it must not be changed afterwards, and should have no spare capacity. ctx is that
// of the call that opened the flight.
type Getter func(ctx context.Context, key string) ([]byte, error)

// GroupConfig says how a Group works.
type GroupConfig struct {
	// Budget is how many bytes of keys and values the group holds; 0 makes one that holds nothing,
	// yet routes and collapses.
	Budget int64
	Load   Getter
	// Owner names the node that owns a routing key, "" for this one, and Fetch gets a key's value
	// from an owner that isn't this node. If Owner is nil, this node owns all.
	Owner func(routingKey string) string
	Fetch Fetch
}

// Group is a groupcache group that one node has acquired. Its methods may be called concurrently.
type Group struct {
	pooled *pooledGroup
	tenant *tenant
	before usage        // when the tenant came
	used   atomic.Int64 // bytes of keys and values that Get has returned

	mu     sync.RWMutex // held for reading by every Get, for writing by Release
	closed bool
}

// Acquire gets a group. It fails if this process's groupcache already has a peer picker that isn't
// ours. The group must be released with Release.
func Acquire(cfg GroupConfig) (*Group, error) {
	if err := register(); err != nil {
		return nil, err
	}
	s := idle.take(cfg.Budget)
	return &Group{pooled: s, before: s.usage(), tenant: s.bind(cfg)}, nil
}

// Prefix is what every key of g begins with. It tells this tenant's keys from those of the group's
// earlier tenants. After it a key has two dots at least; what is before the second one decides on
// the owner.
func (g *Group) Prefix() string { return g.tenant.prefix }

// Get returns the value of key, which begins with g.Prefix(): from the cache, from its owner, or by
// way of the Getter, whose error it returns as it is. A flight that is already open for key is
// joined, and its error shared.
func (g *Group) Get(ctx context.Context, key string) ([]byte, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return nil, ErrClosed
	}
	l := lookups.Get().(*lookup)
	defer l.release()
	if err := g.pooled.group.Get(ctx, key, l.sink); err != nil {
		return nil, err
	}
	b := l.bytes()
	g.used.Add(int64(len(key) + len(b)))
	return b, nil
}

// BeginServing notes that this node is about to serve a peer's request for key, a key with g's
// prefix. If it returns false, the same key is being requested from a peer at this moment, and the
// request must be refused. Every true must be paired with a call of EndServing.
func (g *Group) BeginServing(key string) bool {
	return g.tenant.gate.enter(true, key[len(g.tenant.prefix):])
}

// EndServing ends what BeginServing began.
func (g *Group) EndServing(key string) { g.tenant.gate.leave(true, key[len(g.tenant.prefix):]) }

// Usage is what a group holds, and how often it was looked up. Hot counts what is held of other
// nodes' keys.
type Usage struct {
	Items, Bytes, Gets, Hits, Evictions int64
	HotItems, HotBytes, HotHits         int64
}

// Usage counts what g holds. Counts of gets, hits and evictions begin with Acquire. It is zero once
// g has been released.
func (g *Group) Usage() Usage {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return Usage{}
	}
	return g.pooled.usage().since(g.before, g.pooled.fillerBytes())
}

// Release waits until no Get is in flight, drops what g holds, and hands the group on to the next
// tenant of its size.
func (g *Group) Release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	g.closed = true
	g.pooled.empty()
	idle.put(g.pooled)
}

// adopt hands b to sink without a copy: SetProto keeps the slice that a message's own Marshal
// returns, where SetBytes would clone it.
func adopt(sink groupcache.Sink, b []byte) error { return sink.SetProto(&message{b}) }

type message struct{ b []byte }

func (m *message) Reset()                   { m.b = nil }
func (m *message) String() string           { return fmt.Sprintf("%d bytes", len(m.b)) }
func (*message) ProtoMessage()              {}
func (m *message) Marshal() ([]byte, error) { return m.b, nil }

// recovered turns a panic of get into an error: unwound through groupcache's flight it would hang
// the key for ever.
func recovered(ctx context.Context, get Getter, key string) (b []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			b, err = nil, fmt.Errorf("load %s: panic: %v\n%s", key, p, debug.Stack())
		}
	}()
	return get(ctx, key)
}

// foreign reports a key of an earlier tenants of the group.
func foreign(key, prefix string) error {
	if strings.HasPrefix(key, prefix) {
		return nil
	}
	return fmt.Errorf("key %s doesn't begin with %s", key, prefix)
}
