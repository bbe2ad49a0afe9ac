package measure

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"
)

// Durations counts how long something takes. The zero value is ready. Its methods may be called
// concurrently.
type Durations struct {
	short atomic.Uint64
	cells [numCells]atomic.Uint64
	sum   atomic.Int64 // nanoseconds of those that aren't short
}

// numCells is how many cells there are: one for each native bucket, and one more for each of Bounds
// that isn't the end of one.
const numCells = last - first + 14

// Observe counts one. Where it is short, that is one addition.
func (d *Durations) Observe(t time.Duration) {
	if t <= Short {
		d.short.Add(1)
		return
	}
	i, _ := slices.BinarySearchFunc(cells, t, func(c cell, t time.Duration) int {
		return cmp.Compare(c.most, t)
	})
	d.cells[i].Add(1)
	d.sum.Add(int64(t))
}

// Distribution is what Durations have counted. No number is ever smaller than one that was read
// before, and Count is the sum of the others, whatever was counted meanwhile.
type Distribution struct {
	Count uint64
	Short uint64        // up to Short
	Sum   time.Duration // of all, where those that are short count as 0

	// Classic are the counts up to each of Bounds, those up to the earlier ones included.
	Classic []uint64
	// Native are the counts in each native bucket from the one after Short on.
	Native []uint64
}

// FirstNative is the native bucket that Native begins with.
const FirstNative = first + 1

// Read returns what d has counted.
func (d *Durations) Read() Distribution { return d.read(0) }

// read is Read with so many short ones that were counted elsewhere.
func (d *Durations) read(short uint64) Distribution {
	short += d.short.Load()
	r := Distribution{
		Count: short, Short: short, Sum: time.Duration(d.sum.Load()),
		Classic: make([]uint64, len(Bounds)), Native: make([]uint64, last-first),
	}
	for i, c := range cells {
		n := d.cells[i].Load()
		r.Count += n
		r.Native[c.native-FirstNative] += n
		if c.classic < len(Bounds) {
			r.Classic[c.classic] += n
		}
	}
	up := short
	for i := range r.Classic {
		up += r.Classic[i]
		r.Classic[i] = up
	}
	return r
}

// Plus is the distribution of those in d and in e. The zero Distribution may be either.
func (d Distribution) Plus(e Distribution) Distribution {
	d.Count += e.Count
	d.Short += e.Short
	d.Sum += e.Sum
	d.Classic, d.Native = plus(d.Classic, e.Classic), plus(d.Native, e.Native)
	return d
}

func plus(a, b []uint64) []uint64 {
	sum := make([]uint64, max(len(a), len(b)))
	for _, counts := range [][]uint64{a, b} {
		for i, n := range counts {
			sum[i] += n
		}
	}
	return sum
}
