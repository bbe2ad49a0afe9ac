// Package measure counts requests, and how long they take, by atomics, so that a plain hit pays for
// two additions.
//
//	a request ends ─► Requests.Ended ─► atomics ─► Read, now and then
//	                  Durations.Observe ─►
//
// Nothing here has a lock, a label or a name that is looked up. Who reads pays for making counts of
// what is kept. So a hit, which takes a short time, adds one to a single number, which counts it by
// outcome, class, source, size and both durations, and adds its bytes to another.
package measure

import (
	"math/bits"
	"slices"
	"sync/atomic"
	"time"
)

// The ways in which a request comes out, as the access log names what the cache did. "none" is that
// the request got as far as no resource.
var Outcomes = [...]string{
	"none", "hit", "miss", "partial", "stale", "revalidated", "collapsed", "pass",
}

// outcome is the index of the log's word.
func outcome(word string) int { return max(0, slices.Index(Outcomes[:], word)) }

// Classes are those of status codes. "none" is that no head was sent.
var Classes = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// Sources are where the bytes of a response come from.
var Sources = [...]string{"memory", "peer", "origin", "none"}

// source is the index of the log's word. A response of this node's own has none.
func source(word string) int {
	if i := slices.Index(Sources[:], word); i >= 0 {
		return i
	}
	return len(Sources) - 1
}

// Sizes are upper bounds of contents, in bytes.
var Sizes = [...]int64{512, 4 << 10, 32 << 10, 256 << 10, 2 << 20, 16 << 20, 128 << 20, 1 << 30}

// size is the index of the least of Sizes that n is up to, or len(Sizes).
func size(n int64) int {
	return min(max(0, bits.Len64(uint64(max(0, n-1)))-7)/3, len(Sizes))
}

// counts are requests by all that they are told apart by.
type counts [len(Outcomes)][len(Classes)][len(Sources)][len(Sizes) + 1]atomic.Uint64

// Requests counts the requests of clients that have ended. The zero value is ready. Its methods may
// be called concurrently.
type Requests struct {
	short, long counts // those that took a short time, which aren't in the Durations, and others

	took, first [len(Outcomes)]Durations
	bytes       [len(Sources)]atomic.Int64
	aborted     atomic.Int64
}

// Request is one that has ended: what the access log says.
type Request struct {
	Cache, Source string
	Status        int // 0 if no head was sent
	Bytes         int64
	Took, First   time.Duration // First isn't longer
	Aborted       bool
}

// Ended counts one. It is the nth of those that are counted by the same number.
func (r *Requests) Ended(q Request) (nth uint64) {
	o, class := outcome(q.Cache), min(max(q.Status/100, 0), len(Classes)-1)
	s, n := source(q.Source), size(q.Bytes)
	if q.Bytes > 0 {
		r.bytes[s].Add(q.Bytes)
	}
	if q.Aborted {
		r.aborted.Add(1)
	}
	if q.Took <= Short {
		return r.short[o][class][s][n].Add(1)
	}
	r.took[o].Observe(q.Took)
	r.first[o].Observe(q.First)
	return r.long[o][class][s][n].Add(1)
}

// Ended is what has been counted. It is indexed by Outcomes, Classes, Sources and Sizes.
type Ended struct {
	Requests    [len(Outcomes)][len(Classes)]uint64
	Took, First [len(Outcomes)]Distribution
	Sizes       [len(Sources)][len(Sizes) + 1]uint64 // above the one before, and up to each
	Bytes       [len(Sources)]int64
	Aborted     int64
}

// Read returns what r has counted. No number is ever smaller than one that was read before.
func (r *Requests) Read() (e Ended) {
	for o := range Outcomes {
		var short uint64
		for class := range Classes {
			n := e.read(&r.short[o][class])
			short += n
			e.Requests[o][class] = n + e.read(&r.long[o][class])
		}
		e.Took[o], e.First[o] = r.took[o].read(short), r.first[o].read(short)
	}
	for s := range Sources {
		e.Bytes[s] = r.bytes[s].Load()
	}
	e.Aborted = r.aborted.Load()
	return e
}

// read takes in the sizes of one outcome and class, and returns how many there are.
func (e *Ended) read(all *[len(Sources)][len(Sizes) + 1]atomic.Uint64) (n uint64) {
	for s := range all {
		for size := range all[s] {
			one := all[s][size].Load()
			e.Sizes[s][size] += one
			n += one
		}
	}
	return n
}
