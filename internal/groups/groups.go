// Package groups hands out groupcache groups: a key goes in; out comes its value, from memory, from
// the node that owns it, or from this one. It is the only user of groupcache's groups. The package
// doesn't know the other nodes: Config.Remote tells which keys are theirs, and a Get's Loader asks.
//
// What groupcache does here: it holds values up to a budget and evicts what has been used longest
// ago (the main cache), keeps about one in ten of the values that come from other nodes (the hot
// cache), collapses concurrent requests for one key into one, and asks the owner before this node.
//
// What it doesn't: it sets no value, so Put is a Get whose context carries the value. It doesn't
// say whether a value is held, so Peek is a Get that loads nothing. It removes no value, so a group
// is emptied by fillers that share their bytes, and Reserve keeps a part of its budget with fillers
// that are used again before they would be evicted. It frees no group, so that groups are acquired
// by one tenant after the other, and it knows them by name, one table for the process. It hangs a
// key whose getter panics, and two nodes that ask each other for one key: see load and gate. And
// values never expire or change: what does isn't kept in a group.
//
//	Get ─► groupcache ─► held? ──────────────► value
//	                      └─► Remote(key)? ─► Loader.Fetch
//	                              └──────────► Loader.Load
package groups

import (
	"context"
	"errors"
	"strconv"
	"sync"
)

// ErrClosed is what Get answers once its group has been released.
var ErrClosed = errors.New("group is closed")

// Group is a groupcache group that one tenant has acquired. Its methods may be called concurrently.
// Values are immutable and belong to all who got them.
type Group struct {
	tenant *tenant
	reserve
	ages ages

	gets   sync.RWMutex // held for reading by every Get, for writing by Release
	closed bool
}

// Acquire gets a group. It fails if this process's groupcache already has a peer picker that isn't
// ours. The group must be released with Release.
func Acquire(cfg Config) (*Group, error) {
	if err := register(); err != nil {
		return nil, err
	}
	p := take(kind{cfg.Budget, cfg.Remote != nil})
	t := &tenant{Config: cfg, prefix: cfg.Prefix}
	if t.prefix == "" {
		t.prefix = strconv.FormatInt(serial.Add(1), 36) + "."
	}
	p.tenant.Store(t)
	return &Group{tenant: t, reserve: newReserve(p)}, nil
}

// Prefix is what every key of g begins with. It tells this tenant's keys from those of the group's
// earlier tenants.
func (g *Group) Prefix() string { return g.tenant.prefix }

// Get returns the value of key, which begins with g.Prefix(): from the cache, or from l, whose
// error it returns as it is. A flight that is already open for key is joined, and its outcome
// shared: then l isn't called. What l returns becomes groupcache's: it must not be changed
// afterwards, and should have no spare capacity.
func (g *Group) Get(ctx context.Context, key string, l Loader) ([]byte, error) {
	g.gets.RLock()
	defer g.gets.RUnlock()
	if g.closed {
		return nil, ErrClosed
	}
	b, err := look(ctx, g.pooled.group, key, l)
	if err == nil {
		g.used.Add(int64(len(key) + len(b)))
	}
	return b, err
}

// Peek returns the value of key, which begins with g.Prefix(), if it is held. It joins a flight
// that is open for key.
func (g *Group) Peek(key string) ([]byte, bool) {
	b, err := g.Get(context.Background(), key, nil)
	return b, err == nil
}

// Put has g hold value under key, which begins with g.Prefix(), unless it holds one already. The
// value becomes groupcache's, as Get's do.
func (g *Group) Put(key string, value []byte) {
	g.settle()
	p := &putting{value: value}
	for !p.taken { // else it has joined the flight of one who found nothing
		if _, err := g.Get(context.Background(), key, p); !errors.Is(err, ErrNotHeld) {
			break // it is there, or g is released
		}
	}
	if p.taken {
		g.mark(g.put.Add(int64(len(key) + len(value))))
	}
}

// BeginServing notes that this node is about to serve a peer's request for key, a key with g's
// prefix. If it returns false, the same key is being requested from a peer at this moment, and the
// request must be refused. Every true must be paired with a call of EndServing.
func (g *Group) BeginServing(key string) bool {
	return g.tenant.gate.enter(key[len(g.tenant.prefix):], inbound)
}

// EndServing ends what BeginServing began.
func (g *Group) EndServing(key string) {
	g.tenant.gate.leave(key[len(g.tenant.prefix):], inbound)
}

// Usage counts what g holds. Counts of gets, of hot hits and of evictions begin with Acquire. It is
// zero once g has been released.
func (g *Group) Usage() Usage {
	g.gets.RLock()
	defer g.gets.RUnlock()
	if g.closed {
		return Usage{}
	}
	return g.ages.besides(g.besidesFillers())
}

// Release waits until no Get is in flight, drops what g holds, and hands the group on to the next
// tenant of its kind.
func (g *Group) Release() {
	g.gets.Lock()
	defer g.gets.Unlock()
	if g.closed {
		return
	}
	g.closed = true
	held := g.reserve.close()
	g.pooled.tenant.Store(nil)
	if held {
		g.pooled.empty()
	}
	giveBack(g.pooled)
}
