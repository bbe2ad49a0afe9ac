package groups

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/golang/groupcache"
)

// pooledGroup is one of groupcache's groups and its tenant at present. groupcache frees no group,
// so they are handed from tenant to tenant.
type pooledGroup struct {
	kind
	group    *groupcache.Group
	filler   []byte
	each     int64        // bytes of the budget that one filler takes
	fillers  atomic.Int64 // that have been put
	next     int          // the number of the next filler that hasn't been used
	tenant   atomic.Pointer[tenant]
	emptying atomic.Bool // keys are as a peer's
}

// tenant is one use of a pooled group, from Acquire to Release.
type tenant struct {
	Config
	prefix string
	gate   gate
}

func (t *tenant) has(key string) bool { return strings.HasPrefix(key, t.prefix) }

// serial numbers pooled groups and tenants, in one process.
var serial atomic.Int64

func newPooledGroup(k kind) *pooledGroup {
	p := &pooledGroup{kind: k, filler: fillerOf(k.budget)}
	p.each = int64(len(p.filler) + len(fmt.Sprintf(fillerKey, 0)))
	name := fmt.Sprint("scurry-", serial.Add(1))
	pickers.Store(name, p)
	p.group = groupcache.NewGroup(name, k.budget, groupcache.GetterFunc(p.load))
	return p
}

// load is the group's getter.
func (p *pooledGroup) load(ctx context.Context, key string, dest groupcache.Sink) (err error) {
	l, ok := ctx.(*lookup)
	if !ok { // the context of fill
		p.fillers.Add(1)
		return adopt(dest, p.filler)
	}
	if t := p.tenant.Load(); t == nil || !t.has(key) {
		return fmt.Errorf("key %s is not the tenant's", key)
	}
	if l.loader == nil {
		return ErrNotHeld
	}
	defer recovered("load", key, &err)
	value, err := l.loader.Load(l.Context)
	if err != nil {
		return err
	}
	return adopt(dest, value)
}

// fillerKey has one length for all fillers, so that they take equal amounts of the budget. It is
// none of a tenant's.
const fillerKey = "-filler.%016x"

// number takes n numbers of fillers, and returns the first.
func (p *pooledGroup) number(n int64) (first int) {
	first = p.next
	p.next += int(n)
	return first
}

// fill puts a filler, or uses it again, and reports whether it was there.
func (p *pooledGroup) fill(n int) (held bool) {
	var view groupcache.ByteView
	put := p.fillers.Load()
	// Neither load nor evictor can fail without a lookup.
	_ = p.group.Get(context.Background(), fmt.Sprintf(fillerKey, n), groupcache.ByteViewSink(&view))
	return p.fillers.Load() == put
}

// empty drops what the group holds. groupcache can't remove an entry, only evict the oldest for new
// ones.
func (p *pooledGroup) empty() {
	if p.budget == 0 {
		return
	}
	for range p.budget/p.each + 1 {
		p.fill(p.number(1))
	}
	// One in ten of what comes from peers goes to the hot cache, where each pushes out one that is
	// older.
	p.emptying.Store(true)
	defer p.emptying.Store(false)
	old := p.usage()
	for p.usage().HotEvictions-old.HotEvictions < old.HotItems {
		p.fill(p.number(1))
	}
}

func (p *pooledGroup) usage() Usage {
	c, h := p.group.CacheStats(groupcache.MainCache), p.group.CacheStats(groupcache.HotCache)
	return Usage{
		Items: c.Items, Bytes: c.Bytes, Gets: c.Gets, Evictions: c.Evictions,
		HotItems: h.Items, HotBytes: h.Bytes, HotHits: h.Hits, HotEvictions: h.Evictions,
	}
}
