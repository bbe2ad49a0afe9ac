// Package peer joins the groups of this process to the nodes that they work for; it is the only user of groupcache's
// registration.
//
// groupcache knows its groups by name, one table for the process, and never frees one. Here a node borrows a Group
// and gives it back: what goes in is a Getter for the keys that the node owns, what comes out are the values, held by
// groupcache within the group's budget. Values are immutable and belong to all who got them.
package peer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/golang/groupcache"
)

// ErrClosed is what Get answers once its group has been given back.
var ErrClosed = errors.New("group is closed")

// Getter loads the value of a key (without the group's prefix) that this node owns. The value becomes groupcache's: it
// must not be changed afterwards, and should have no spare capacity. ctx is that of the call that opened the flight.
type Getter func(ctx context.Context, key string) ([]byte, error)

// Group is a groupcache group on loan to one node. Its methods may be called concurrently.
type Group struct {
	shell  *shell
	prefix string
	before Usage // at the time of the loan

	mu     sync.RWMutex // held for reading by every Get, for writing by Release
	closed bool
}

// Borrow lends a group that holds up to budget bytes of keys and values; 0 makes one that holds nothing, yet routes
// and collapses. It fails if this process's groupcache already has a peer picker that isn't ours.
// The group must be given back with Release.
func Borrow(budget int64, get Getter) (*Group, error) {
	if err := register(); err != nil {
		return nil, err
	}
	s := idle.take(budget)
	return &Group{shell: s, before: s.usage(), prefix: s.bind(get)}, nil
}

// Prefix is what every key of g begins with. It tells this loan's keys from those of the group's earlier borrowers.
func (g *Group) Prefix() string { return g.prefix }

// Get returns the value of key, which begins with g.Prefix(), from the cache or by way of the Getter, whose error it
// returns as it is. A flight that is already open for key is joined, and its error shared.
func (g *Group) Get(ctx context.Context, key string) ([]byte, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return nil, ErrClosed
	}
	var view groupcache.ByteView
	if err := g.shell.group.Get(ctx, key, groupcache.ByteViewSink(&view)); err != nil {
		return nil, err
	}
	return bytesOf(view), nil
}

// Usage is what a group holds and has been asked.
type Usage struct {
	Items, Bytes, Gets, Hits, Evictions int64
}

// Usage counts what g holds in its main cache. Counts of gets, hits and evictions begin with the loan. It is zero once g
// has been given back.
func (g *Group) Usage() Usage {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return Usage{}
	}
	return g.shell.usage().since(g.before, g.shell.fillerBytes())
}

// Release waits until no Get is in flight, drops what g holds, and hands the group on to the next borrower of its size.
func (g *Group) Release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	g.closed = true
	g.shell.empty()
	idle.put(g.shell)
}

// bytesOf returns view's bytes without a copy. ByteView hands them out only to a writer.
func bytesOf(view groupcache.ByteView) []byte {
	var k keeper
	if _, err := view.WriteTo(&k); err != nil {
		return nil
	}
	return k.b
}

// keeper is a writer that keeps the slice it is given, which is right for immutable values only.
type keeper struct{ b []byte }

func (k *keeper) Write(p []byte) (int, error) {
	k.b = p
	return len(p), nil
}

// adopt hands b to sink without a copy: SetProto keeps the slice that a message's own Marshal returns, where SetBytes
// would clone it.
func adopt(sink groupcache.Sink, b []byte) error { return sink.SetProto(&message{b}) }

type message struct{ b []byte }

func (m *message) Reset()                   { m.b = nil }
func (m *message) String() string           { return fmt.Sprintf("%d bytes", len(m.b)) }
func (*message) ProtoMessage()              {}
func (m *message) Marshal() ([]byte, error) { return m.b, nil }

// recovered turns a panic of get into an error: unwound through groupcache's flight it would hang the key for ever.
func recovered(ctx context.Context, get Getter, key string) (b []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			b, err = nil, fmt.Errorf("load %s: panic: %v\n%s", key, p, debug.Stack())
		}
	}()
	return get(ctx, key)
}

// foreign reports a key of an earlier borrower of the group.
func foreign(key, prefix string) error {
	if strings.HasPrefix(key, prefix) {
		return nil
	}
	return fmt.Errorf("key %s doesn't begin with %s", key, prefix)
}
