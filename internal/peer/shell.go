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

// shell is one of groupcache's groups and what is bound to it at present. groupcache frees no group, so shells are
// handed from node to node.
type shell struct {
	group  *groupcache.Group
	budget int64
	bound  atomic.Pointer[binding]
}

type binding struct {
	prefix string
	get    Getter
}

// serial numbers shells and loans, in one process.
var serial atomic.Int64

func newShell(budget int64) *shell {
	s := &shell{budget: budget}
	name := "scurry-" + strconv.FormatInt(serial.Add(1), 36)
	s.group = groupcache.NewGroup(name, budget, groupcache.GetterFunc(s.load))
	return s
}

// bind makes s work for a new borrower and returns the prefix of its keys.
func (s *shell) bind(get Getter) string {
	prefix := strconv.FormatInt(serial.Add(1), 36) + "."
	s.bound.Store(&binding{prefix: prefix, get: get})
	return prefix
}

// load is the group's getter.
func (s *shell) load(ctx context.Context, key string, dest groupcache.Sink) error {
	b := s.bound.Load()
	if b == nil {
		return adopt(dest, filler[:min(s.budget, int64(len(filler)))])
	}
	if err := foreign(key, b.prefix); err != nil {
		return err
	}
	value, err := recovered(ctx, b.get, key[len(b.prefix):])
	if err != nil {
		return err
	}
	return adopt(dest, value)
}

// filler stands in the place of what a released group held.
var filler = make([]byte, 1<<20)

// empty drops what the group holds. groupcache can't remove an entry, only evict the oldest for new ones; these new
// ones all share the filler's bytes, so they cost next to nothing.
func (s *shell) empty() {
	s.bound.Store(nil)
	if s.budget == 0 {
		return
	}
	for i := range s.budget/s.fillerBytes() + 1 {
		var view groupcache.ByteView
		// Only load can fail, and without a binding it doesn't.
		_ = s.group.Get(context.Background(), fmt.Sprintf(fillerKey, i), groupcache.ByteViewSink(&view))
	}
}

// fillerKey has one length for all fillers, so that they take equal amounts of the budget.
const fillerKey = "filler.%08d"

// fillerBytes is what one filler takes of the budget.
func (s *shell) fillerBytes() int64 {
	return min(s.budget, int64(len(filler))) + int64(len(fmt.Sprintf(fillerKey, 0)))
}

func (s *shell) usage() Usage {
	c := s.group.CacheStats(groupcache.MainCache)
	return Usage{Items: c.Items, Bytes: c.Bytes, Gets: c.Gets, Hits: c.Hits, Evictions: c.Evictions}
}

// since leaves out what was counted before a loan, and the fillers that the loan began with: nobody asks for them, so they
// are the first to be evicted.
func (u Usage) since(before Usage, fillerBytes int64) Usage {
	u.Gets -= before.Gets
	u.Hits -= before.Hits
	u.Evictions -= before.Evictions
	evicted := min(u.Evictions, before.Items)
	u.Evictions -= evicted
	u.Items -= before.Items - evicted
	u.Bytes -= (before.Items - evicted) * fillerBytes
	return u
}

// pool keeps the shells that no node has, by budget.
type pool struct {
	mu     sync.Mutex
	shells map[int64][]*shell // guarded by mu
}

// idle is a package variable because groupcache's table of groups is one.
var idle = pool{shells: map[int64][]*shell{}}

func (p *pool) take(budget int64) *shell {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.shells[budget]
	if len(free) == 0 {
		return newShell(budget)
	}
	s := free[len(free)-1]
	p.shells[budget] = free[:len(free)-1]
	return s
}

func (p *pool) put(s *shell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shells[s.budget] = append(p.shells[s.budget], s)
}

// register tells groupcache, once in a process, where peers are to be looked for. A group asks at its first Get and
// never again, so this must come before any.
var register = sync.OnceValue(func() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("groupcache: %v: %w", p, ErrRegistered)
		}
	}()
	groupcache.RegisterPerGroupPeerPicker(func(string) groupcache.PeerPicker { return groupcache.NoPeers{} })
	return nil
})

// ErrRegistered means that the process has registered a groupcache peer picker of its own, of which there can be
// only one.
var ErrRegistered = errors.New("this process has a groupcache peer picker already, and groupcache allows only one: run the proxy in a process of its own")
