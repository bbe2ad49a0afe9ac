package groups

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// groupcache doesn't tell how long ago the value was used that it evicts next. So markers are put
// among the values, one whenever a part of the budget has come. Nobody asks for them, so each stays
// where it was in the order of eviction. That one has been evicted shows when the collector has
// freed its bytes, which only the group has held: to look it up would count as a use.
//
// The oldest marker that isn't freed was put about when the value was last used that is evicted
// next. What the collector has yet to free makes that look older by the time since it last ran.

const (
	markerShare = 64      // one marker whenever one part in so many of the budget has come
	markerLeast = 4 << 20 // bytes of the budget; a smaller group has no markers
	markerSize  = 32      // bytes; smaller blocks share memory, and are freed together
)

// markerKey is after the group's prefix. It is none of the tenant's.
const markerKey = "-marker."

type marker struct {
	put   time.Time
	value weak.Pointer[[markerSize]byte]
}

// ages are the markers of a group. The zero value has none yet.
type ages struct {
	due atomic.Int64 // how much has come when the next marker is put

	mu      sync.Mutex // guards what follows
	number  int64      // of markers that have been put
	size    int64      // bytes of the budget that one takes
	markers []marker   // the oldest first
	// of values, as they were last told: the number never goes down
	evictions int64
}

// mark puts a marker, if it is time: so many bytes have been put by now.
func (g *Group) mark(came int64) {
	a, budget, due := &g.ages, g.pooled.budget, g.ages.due.Load()
	if budget < markerLeast || came < due ||
		!a.due.CompareAndSwap(due, came+budget/markerShare) {
		return
	}
	value := new([markerSize]byte)
	p := &putting{value: value[:]}
	key := g.Prefix() + markerKey + strconv.FormatInt(due, 36)
	if _, err := g.Get(context.Background(), key, p); err != nil || !p.taken {
		return // g is released
	}
	a.mu.Lock() // not before: Get waits for Release, and that for Usage
	defer a.mu.Unlock()
	a.freeLocked()
	a.number++
	a.size = int64(len(key)) + markerSize
	a.markers = append(a.markers, marker{time.Now(), weak.Make(value)})
}

// EvictionAge is how long ago the value was last used that is evicted next, about; 0 if nothing has
// come yet, or if the budget is too small for markers.
func (g *Group) EvictionAge() time.Duration {
	a := &g.ages
	a.mu.Lock()
	defer a.mu.Unlock()
	a.freeLocked()
	if len(a.markers) == 0 {
		return 0
	}
	return time.Since(a.markers[0].put)
}

// freeLocked forgets the markers that have been evicted.
func (a *ages) freeLocked() {
	for len(a.markers) > 0 && a.markers[0].value.Value() == nil {
		a.markers = a.markers[1:]
	}
}

// besides is u without the markers. Those that the collector has yet to free count as held.
func (a *ages) besides(u Usage) Usage {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.freeLocked()
	held := int64(len(a.markers))
	u.Items = max(0, u.Items-held)
	u.Bytes = max(0, u.Bytes-held*a.size)
	u.Evictions = max(a.evictions, u.Evictions-(a.number-held))
	a.evictions = u.Evictions
	return u
}
