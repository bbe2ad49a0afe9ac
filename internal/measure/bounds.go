package measure

import (
	"math"
	"slices"
	"time"
)

// Bounds are the upper bounds of the buckets that a Distribution has by them, in seconds: 1 ms to 5
// minutes.
var Bounds = []float64{
	.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300,
}

// Those of Prometheus' native histograms are powers of two: with Schema n, there are 2^n buckets
// from one power to the next, and bucket i ends at 2^(i/2^n) seconds.
const (
	Schema = 3
	first  = -10 << Schema // up to Short: it isn't a bucket
	last   = 10 << Schema  // and what is longer
)

// Short is up to how long a duration is short. What is short isn't told apart. ShortSeconds is the
// same, exactly: where a native bucket ends.
const (
	Short        = time.Second / 1024
	ShortSeconds = 1. / 1024
)

// cell is a run of durations that no bucket of either kind divides. The last one has no end.
type cell struct {
	most    time.Duration
	classic int // which of Bounds it is up to; len(Bounds) for none
	native  int // bucket
}

// cells are all that aren't short.
var cells = func() (all []cell) {
	var ends []time.Duration
	for _, b := range Bounds {
		ends = append(ends, seconds(b))
	}
	for i := first + 1; i < last; i++ {
		ends = append(ends, nativeEnd(i))
	}
	slices.Sort(ends)
	for _, end := range append(slices.Compact(ends), math.MaxInt64) {
		c := cell{most: end}
		for c.classic < len(Bounds) && seconds(Bounds[c.classic]) < end {
			c.classic++
		}
		for c.native = first + 1; c.native < last && nativeEnd(c.native) < end; {
			c.native++
		}
		all = append(all, c)
	}
	return all
}()

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// nativeEnd is the longest duration in a native bucket.
func nativeEnd(i int) time.Duration { return seconds(math.Exp2(float64(i) / (1 << Schema))) }
