package exchange

import "time"

// NoticeStandstill is store.Remote's.
func (x *Exchange) NoticeStandstill() {
	if last := x.last.Load(); last.ago(x.limit) {
		x.wake(last)
	}
}

// wake has all that is stored validated, before last is replaced, for which others look.
func (x *Exchange) wake(last *tick) {
	x.store.RevalidateAll()
	if x.last.CompareAndSwap(last, newTick()) {
		x.Share()
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
		if last := x.last.Load(); last.ago(x.limit) {
			x.wake(last)
		} else {
			x.last.CompareAndSwap(last, newTick())
		}
	}
}
