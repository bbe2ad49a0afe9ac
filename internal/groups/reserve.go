package groups

import (
	"sync"
	"sync/atomic"
)

// itemBytes is what groupcache spends on each value besides what it counts.
const itemBytes = 178

// reserve keeps a part of a group's budget from its values. Fillers take it up, as many as are
// needed. All are used again before half of what remains for values has been used, so that none is
// ever the oldest. A filler that isn't needed any more is left to be evicted: its memory comes back
// when values need it.
//
// What groupcache doesn't count, of the values that it holds, is reserved as well.
//
// Several equal groups, of which others take whole ones, would share memory in large steps only:
// each needs room for dozens of the largest values, and small budgets have room for one such group.
// Here it goes in steps of a filler, and one order of eviction holds for all values.
type reserve struct {
	pooled *pooledGroup
	before Usage        // when the tenant came
	first  int          // the number of its first filler: what was left by others is never used again
	used   atomic.Int64 // bytes of keys and values that have been found or put, with fillers
	asked  atomic.Int64 // the bytes that are reserved for others
	covers atomic.Int64 // what asked may grow to before another filler is needed
	put    atomic.Int64 // bytes of values that have been put, ever

	mu     sync.Mutex // guards all below; held while fillers are put
	closed bool
	needed int // so many fillers are kept, from the first on
	// what had been put when others were given up; the last is that of number needed
	spare   []int64
	renewed int64 // what had been used when all were last used

	// What groupcache has counted of fillers:
	fillerPuts, fillerGets int64
}

// newReserve is for p's next tenant.
func newReserve(p *pooledGroup) reserve {
	return reserve{pooled: p, before: p.usage(), first: p.number(p.budget / p.each)}
}

// Reserve keeps n bytes of the budget from the group's values, for others, instead of what was
// reserved before: rounded up by a hundredth of the budget at the most, and no more than seven
// eighths of it. It evicts values, if it has to, before it returns.
func (r *reserve) Reserve(n int64) {
	r.asked.Store(n)
	if covers := r.covers.Load(); n > covers || n < covers-3*r.pooled.each {
		r.settle()
	}
}

// settle puts the fillers that are needed, gives up those that aren't, and uses them again when it
// is time.
func (r *reserve) settle() {
	p := r.pooled
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || p.budget == 0 {
		return
	}
	u, size, asked := r.usageLocked(), p.each, r.asked.Load()
	reserved := asked + (u.Items+u.HotItems)*itemBytes
	need := int(min((reserved+size-1)/size, p.budget/8*7/size))
	r.covers.Store(asked + int64(need)*size - reserved)
	for r.needed < need {
		r.fillLocked(r.needed)
		r.needed++
		r.spare = r.spare[:max(0, len(r.spare)-1)]
	}
	for r.needed > need+1 { // what goes up and down by a little costs nothing
		r.needed--
		r.spare = append(r.spare, r.put.Load())
	}
	if r.used.Load()-r.renewed > (p.budget-int64(r.needed)*size)/2 {
		for n := range r.needed {
			r.fillLocked(n)
		}
		r.renewed = r.used.Load()
	}
}

// fillLocked puts a filler, or uses it again.
func (r *reserve) fillLocked(n int) {
	r.used.Add(r.pooled.each)
	r.fillerGets++
	if !r.pooled.fill(r.first + n) {
		r.fillerGets++ // groupcache looks twice
		r.fillerPuts++
	}
}

// besidesFillers is what the group holds besides fillers. A filler that was given up counts as held
// until as much as the budget has been put since, when it has certainly been evicted.
func (r *reserve) besidesFillers() Usage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.usageLocked()
}

// Room is how many bytes the group's values may take, beside what is reserved.
func (r *reserve) Room() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pooled.budget - int64(r.needed)*r.pooled.each
}

// Full reports whether less than slack bytes can be put without evicting a value. The room of
// fillers that have been given up doesn't count: they are evicted no sooner than the values that
// were used before them.
func (r *reserve) Full(slack int64) bool {
	p := r.pooled
	u := p.usage()
	// An earlier tenant's fillers stay in the hot cache, if peers' values don't push them out.
	return u.since(r.before, p.each).Bytes+u.HotBytes > p.budget-slack
}

// Came is how many bytes have been put, with their keys, since the group was acquired.
func (r *reserve) Came() int64 { return r.put.Load() }

func (r *reserve) usageLocked() Usage {
	p := r.pooled
	for put := r.put.Load(); len(r.spare) > 0 && put-r.spare[0] > p.budget; {
		r.spare = r.spare[1:]
	}
	u := p.usage().since(r.before, p.each)
	held := int64(r.needed + len(r.spare))
	u.Items = max(0, u.Items-held)
	u.Bytes = max(0, u.Bytes-held*p.each)
	u.Evictions = max(0, u.Evictions-(r.fillerPuts-held))
	u.Gets -= r.fillerGets
	return u
}

// close ends the use of fillers. It reports whether anything else has been put.
func (r *reserve) close() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.pooled.usage().puts()-r.before.puts() > r.fillerPuts
}
