package peer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/golang/groupcache"
)

// pooledGroup is one of groupcache's groups and its tenant at present. groupcache frees no group,
// so they are handed from node to node.
type pooledGroup struct {
	group    *groupcache.Group
	budget   int64
	tenant   atomic.Pointer[tenant]
	emptying atomic.Bool // keys are as a peer's
}

// tenant is one use of a pooled group, from Acquire to Release.
type tenant struct {
	GroupConfig
	prefix string
	gate   gate
}

// serial numbers pooled groups and tenants, in one process.
var serial atomic.Int64

// pooledGroups is all of them by the name of their group.
var pooledGroups sync.Map

func newPooledGroup(budget int64) *pooledGroup {
	s := &pooledGroup{budget: budget}
	name := "scurry-" + strconv.FormatInt(serial.Add(1), 36)
	pooledGroups.Store(name, s)
	s.group = groupcache.NewGroup(name, budget, groupcache.GetterFunc(s.load))
	return s
}

// bind makes s work for a new tenant.
func (s *pooledGroup) bind(cfg GroupConfig) *tenant {
	b := &tenant{GroupConfig: cfg, prefix: strconv.FormatInt(serial.Add(1), 36) + "."}
	s.tenant.Store(b)
	return b
}

// load is the group's getter.
func (s *pooledGroup) load(ctx context.Context, key string, dest groupcache.Sink) error {
	b := s.tenant.Load()
	if b == nil {
		return adopt(dest, s.filler())
	}
	if err := foreign(key, b.prefix); err != nil {
		return err
	}
	value, err := recovered(ctx, b.Load, key[len(b.prefix):])
	if err != nil {
		return err
	}
	return adopt(dest, value)
}

// filling stands in the place of what a released group held.
var filling = make([]byte, 1<<20)

func (s *pooledGroup) filler() []byte { return filling[:min(s.budget, int64(len(filling)))] }

// empty drops what the group holds. groupcache can't remove an entry, only evict the oldest for new
// ones; these new ones all share the filler's bytes, so they cost next to nothing.
func (s *pooledGroup) empty() {
	s.tenant.Store(nil)
	if s.budget == 0 {
		return
	}
	var n int
	fill := func() {
		var view groupcache.ByteView
		// Neither load nor evictor can fail without a tenant.
		_ = s.group.Get(context.Background(), fmt.Sprintf(fillerKey, n), groupcache.ByteViewSink(&view))
		n++
	}
	for range s.budget/s.fillerBytes() + 1 {
		fill()
	}
	// One in ten of what comes from peers goes to the hot cache, where each pushes out one that is
	// older.
	s.emptying.Store(true)
	defer s.emptying.Store(false)
	old := s.usage()
	for s.usage().hotEvictions-old.hotEvictions < old.HotItems {
		fill()
	}
}

// fillerKey has one length for all fillers, so that they take equal amounts of the budget.
const fillerKey = "filler.%08d"

// fillerBytes is what one filler takes of the budget.
func (s *pooledGroup) fillerBytes() int64 {
	return int64(len(s.filler())) + int64(len(fmt.Sprintf(fillerKey, 0)))
}

// usage is what a group holds, with what only this package needs to know.
type usage struct {
	Usage
	hotEvictions int64
}

func (s *pooledGroup) usage() usage {
	c, h := s.group.CacheStats(groupcache.MainCache), s.group.CacheStats(groupcache.HotCache)
	return usage{
		Usage: Usage{
			Items: c.Items, Bytes: c.Bytes, Gets: c.Gets, Hits: c.Hits, Evictions: c.Evictions,
			HotItems: h.Items, HotBytes: h.Bytes, HotHits: h.Hits,
		},
		hotEvictions: h.Evictions,
	}
}

// since leaves out what was counted before a tenant came, and the fillers that it began with:
// nobody looks for them, so they are the first to be evicted.
func (u usage) since(before usage, fillerBytes int64) Usage {
	u.Gets -= before.Gets
	u.Hits -= before.Hits
	u.HotHits -= before.HotHits
	u.Evictions -= before.Evictions
	left := before.Items - min(u.Evictions, before.Items)
	u.Evictions -= before.Items - left
	u.Items -= left
	u.Bytes -= left * fillerBytes
	left = before.HotItems - min(u.hotEvictions-before.hotEvictions, before.HotItems)
	u.HotItems -= left
	u.HotBytes -= left * fillerBytes
	return u.Usage
}

// pool keeps the pooled groups that no node has, by budget.
type pool struct {
	mu     sync.Mutex
	groups map[int64][]*pooledGroup // guarded by mu
}

// idle is a package variable because groupcache's table of groups is one.
var idle = pool{groups: map[int64][]*pooledGroup{}}

func (p *pool) take(budget int64) *pooledGroup {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.groups[budget]
	if len(free) == 0 {
		return newPooledGroup(budget)
	}
	s := free[len(free)-1]
	p.groups[budget] = free[:len(free)-1]
	return s
}

func (p *pool) put(s *pooledGroup) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.groups[s.budget] = append(p.groups[s.budget], s)
}

// register tells groupcache, once in a process, where peers are to be looked for. A group looks at
// its first Get and never again, so this must come before any.
var register = sync.OnceValue(func() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("groupcache: %v: %w", p, ErrRegistered)
		}
	}()
	groupcache.RegisterPerGroupPeerPicker(func(name string) groupcache.PeerPicker {
		if s, ok := pooledGroups.Load(name); ok {
			return s.(*pooledGroup)
		}
		return groupcache.NoPeers{} // a group of the process's own
	})
	return nil
})

// ErrRegistered means that the process has registered a groupcache peer picker of its own, of which
// there can be only one.
var ErrRegistered = errors.New("this process has a groupcache peer picker already, and groupcache allows only one: run the proxy in a process of its own")
