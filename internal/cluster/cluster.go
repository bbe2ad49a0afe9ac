// Package cluster lists the nodes of a cluster, and lists them again whenever they change.
//
// Out come lists of peer addresses, by one method that File, DNS and Gossip share:
//
//	Watch(ctx context.Context, set func(nodes []string)) error
//
// Watch calls set with the addresses (host:port) of all nodes, first as soon as they are known and
// then whenever they change, until ctx ends. A list is sorted, names no address twice, differs from
// the one before, and is nil if there are no nodes; it belongs to set. Calls of set don't overlap.
// Addresses are passed on as they are written, since a node finds itself in the list by the
// spelling of its name. Watch returns nil when ctx has ended, and an error only if it can't go on.
//
// What goes in is a file, a DNS name, or the addresses of some nodes that know the others.
package cluster

import (
	"context"
	"slices"
	"time"

	"github.com/scurrycache/scurry/internal/once"
)

// notifier passes on the lists that differ from the last one.
type notifier struct {
	set      func(nodes []string)
	notified bool
	last     []string
}

func (t *notifier) notify(nodes []string) {
	nodes = tidy(nodes)
	if t.notified && slices.Equal(nodes, t.last) {
		return
	}
	t.notified, t.last = true, nodes
	t.set(slices.Clone(nodes)) // its own: it may change what it is given
}

// tidy returns a copy of nodes that is sorted, names none twice, and is nil if there are none.
func tidy(nodes []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(nodes)))
}

// bell wakes all that wait for a change. Its owner's mutex guards it.
type bell struct{ rung chan struct{} }

// waitLocked returns a channel that is closed at the next change.
func (b *bell) waitLocked() <-chan struct{} {
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ringLocked() {
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}

// pause waits for d, and reports whether ctx is still going on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// problems reports each problem once until it is solved.
type problems struct {
	notify   func(error) // may be nil
	reported once.Set
}

// report reports the problem with that key, unless it has been reported.
func (p *problems) report(key string, err error) {
	if p.notify != nil && p.reported.First(key) {
		p.notify(err)
	}
}
