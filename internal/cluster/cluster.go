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
// spelling of its name. Watch returns nil when ctx has ended.
//
// What goes in is a file, a DNS name, or the addresses of some nodes that know the others.
package cluster

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/once"
)

// roster is the newest list of nodes, which Watches follow. It is for concurrent use.
type roster struct {
	mu      sync.Mutex
	nodes   []string
	changed chan struct{} // closed at the next change
}

// set replaces the list.
func (r *roster) set(nodes []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed != nil {
		close(r.changed)
	}
	r.nodes, r.changed = nodes, make(chan struct{})
}

// get returns the list, and a channel that is closed when it changes.
func (r *roster) get() ([]string, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nodes, r.changed
}

// watch passes on the list, and each one after it, until ctx ends. After a change it waits for the
// time of settle, since others may come with it.
func (r *roster) watch(ctx context.Context, settle time.Duration, set func(nodes []string)) {
	n := notifier{set: set}
	for ctx.Err() == nil {
		nodes, changed := r.get()
		n.notify(nodes)
		select {
		case <-changed:
			pause(ctx, settle)
		case <-ctx.Done():
		}
	}
}

// notifier passes on the lists that differ from the last one.
type notifier struct {
	set      func(nodes []string)
	notified bool
	last     []string
}

func (n *notifier) notify(nodes []string) {
	nodes = slices.Compact(slices.Sorted(slices.Values(nodes))) // nil if there are none
	if n.notified && slices.Equal(nodes, n.last) {
		return
	}
	n.notified, n.last = true, nodes
	n.set(slices.Clone(nodes)) // its own: it may change what it is given
}

// pause waits for d, and reports whether ctx is still going on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// problems logs each problem once until it is solved.
type problems struct {
	log      zerolog.Logger
	message  string
	reported once.Set
}

// report logs the problem with that key, unless it has been reported.
func (p *problems) report(key string, err error) {
	if p.reported.First(key) {
		p.log.Warn().Err(err).Msg(p.message)
	}
}
