// Package popular tells which names are asked for most, from a sample of the requests.
//
//	a request ends ─► Count: in the sample? ─► a table of few names ─► Top, now and then
//
// While there are few requests, all are in the sample. When more come, fewer of them are: one in a
// power of two, so that the table is changed some hundreds of times in a second at most. A request
// that isn't in the sample costs one load and two multiplications.
package popular

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// names is how many the table has. One that is asked for by more than one in so many requests
	// is among them.
	names = 256
	// longest is how many bytes a name may have. A longer one isn't taken in.
	longest = 2 << 10
	// span is the time that counts: what is as long ago counts e times less.
	span = time.Minute
	// The sample should have between least and most requests in a second.
	least, most = 128, 512
)

// Table is the names that are asked for most. The zero Table is ready. Its methods may be called
// concurrently.
type Table struct {
	mask atomic.Uint64 // a request is in the sample if its number, mixed, has none of these bits

	mu     sync.Mutex // guards what follows; Count doesn't wait for it
	places map[string]int
	list   []tally
	began  time.Time // of the first request
	mark   time.Time // when a request counts one

	second time.Time // when the sample's latest second began
	taken  int       // into it since then
}

// tally is what a name has come to. Space-saving (Metwally et al.): a name that is new takes over
// what the least one of a full table has, which is what it may have too much.
type tally struct {
	name                   string
	requests, bytes, extra float64
}

// Count takes in a request for name, which brought that many bytes, if it is in the sample. It is
// the nth of its kind: each has another number. The name may be a view of a buffer.
func (t *Table) Count(nth uint64, name string, bytes int64) {
	if mask := t.mask.Load(); mix(nth)&mask == 0 && len(name) <= longest {
		t.take(time.Now(), name, bytes, float64(mask+1))
	}
}

// mix spreads a number over all bits, so that requests in turns aren't sampled in turns (the last
// steps of SplitMix64).
func mix(n uint64) uint64 {
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// take takes in a request that stands for so many. One that would have to wait is left out.
func (t *Table) take(now time.Time, name string, bytes int64, requests float64) {
	if !t.mu.TryLock() {
		return
	}
	defer t.mu.Unlock()
	t.adaptLocked(now)
	weight := t.weightLocked(now)
	i, known := t.places[name]
	switch {
	case known:
	case len(t.list) < names:
		i, name = len(t.list), strings.Clone(name)
		t.list = append(t.list, tally{name: name})
	default:
		i, name = t.leastLocked(), strings.Clone(name)
		old := &t.list[i]
		delete(t.places, old.name)
		*old = tally{name: name, requests: old.requests, extra: old.requests}
	}
	if !known {
		t.places[name] = i
	}
	t.list[i].requests += requests * weight
	t.list[i].bytes += float64(bytes) * requests * weight
}

func (t *Table) leastLocked() (place int) {
	for i := range t.list {
		if t.list[i].requests < t.list[place].requests {
			place = i
		}
	}
	return place
}

// adaptLocked makes the sample smaller as soon as there are too many in a second, and larger when
// there were few.
func (t *Table) adaptLocked(now time.Time) {
	mask := t.mask.Load()
	switch over := now.Sub(t.second) >= time.Second; {
	case t.places == nil:
		t.places, t.began, t.mark = map[string]int{}, now, now
	case t.taken == most && !over:
		t.mask.Store(mask<<1 | 1)
	case over:
		perSecond := float64(t.taken) / now.Sub(t.second).Seconds()
		for ; perSecond < least && mask > 0; perSecond *= 2 {
			mask >>= 1
		}
		t.mask.Store(mask)
	default:
		t.taken++
		return
	}
	t.second, t.taken = now, 1
}

// weightLocked is what a request counts that comes now. Each counts more than those before it,
// which is the same as if those counted less and less.
func (t *Table) weightLocked(now time.Time) float64 {
	weight := math.Exp(now.Sub(t.mark).Seconds() / span.Seconds())
	if weight < 1e6 {
		return weight
	}
	for i := range t.list {
		t.list[i].requests /= weight
		t.list[i].bytes /= weight
		t.list[i].extra /= weight
	}
	t.mark = now
	return 1
}

// Asked is how often a name is asked for: a mean over the last minute, about.
type Asked struct {
	Name                              string
	RequestsPerSecond, BytesPerSecond float64
}

// Top returns the n names that are asked for most, in that order. One in oneIn requests is in the
// sample. Names for which is returns the same name are counted together, under that name.
func (t *Table) Top(n int, is func(name string) string) (top []Asked, oneIn int) {
	list, perSecond := t.read(time.Now())
	places := map[string]int{}
	for _, e := range list {
		name := is(e.name)
		i, known := places[name]
		if !known {
			i = len(top)
			places[name], top = i, append(top, Asked{Name: name})
		}
		top[i].RequestsPerSecond += (e.requests - e.extra) * perSecond
		top[i].BytesPerSecond += e.bytes * perSecond
	}
	slices.SortFunc(top, func(a, b Asked) int {
		return cmp.Or(cmp.Compare(b.RequestsPerSecond, a.RequestsPerSecond),
			cmp.Compare(a.Name, b.Name))
	})
	return top[:min(n, len(top))], int(t.mask.Load() + 1)
}

// read returns a copy of the table, and what makes rates of its sums.
func (t *Table) read(now time.Time) (list []tally, perSecond float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	weight := t.weightLocked(now)
	age := max(now.Sub(t.began), time.Second)
	part := -math.Expm1(-age.Seconds() / span.Seconds()) // of the sums of an old table
	return slices.Clone(t.list), 1 / (weight * span.Seconds() * part)
}
