package exchange

import (
	"time"

	"github.com/scurrycache/scurry/internal/peer"
)

// NoticeStandstill is store.Remote's.
func (x *Exchange) NoticeStandstill() {
	if x.last.Load().ago(x.limit) {
		x.wake()
	}
}

// wake ends a standstill. What is stored isn't served, but validated, until logs have been
// exchanged with all nodes that there was contact with. If one of them stays away, that remains so.
// After longer than a lease all of it is validated anyway, for other nodes may have taken its
// place.
func (x *Exchange) wake() {
	x.mu.Lock()
	defer x.mu.Unlock()
	last := x.last.Load()
	if !last.ago(x.limit) {
		return // it has been seen to
	}
	if last.ago(x.lease) {
		x.store.RevalidateAll()
	}
	for _, p := range x.others() {
		// contact may have ended before this node came to look
		if s := p.Status(); s.State == peer.Live || s.State == peer.Leaving ||
			s.Since.After(last.at) {
			x.awaited[p.Name()] = struct{}{}
		}
		x.keepSharingLocked(p.Name())
	}
	if len(x.awaited) > 0 {
		x.store.Suspend()
	}
	x.last.Store(newTick())
}

// sharedLocked notes that logs have been exchanged with a node since this one has told it, or has
// stood still, last. If the node is none any more, they haven't: it may know of something.
func (x *Exchange) sharedLocked(node string, isGone bool) {
	delete(x.missed, node)
	if _, ok := x.awaited[node]; !ok {
		return
	}
	if isGone {
		x.store.RevalidateAll()
	}
	if delete(x.awaited, node); len(x.awaited) == 0 {
		x.store.Resume()
	}
}

// reunited is called when there is contact again after longer than a lease.
func (x *Exchange) reunited() {
	x.store.RevalidateAll()
	x.Share()
}

// watchClock notes that this process runs, for as long as it does.
func (x *Exchange) watchClock() {
	ticker := time.NewTicker(max(x.limit/8, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-x.base.Done():
			return
		}
		now := newTick() // a standstill from here on shows in it
		if last := x.last.Load(); last.ago(x.limit) {
			x.wake()
		} else {
			x.last.CompareAndSwap(last, now)
		}
	}
}
