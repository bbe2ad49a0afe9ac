package chunk

import (
	"slices"
	"sort"
)

// Spans is a set of offsets: half-open intervals, sorted, apart from each other.
type Spans []Span

// Span is the bytes [Start, End).
type Span struct{ Start, End int64 }

// Add puts [start, end) into the set.
func (s Spans) Add(start, end int64) Spans {
	i := sort.Search(len(s), func(i int) bool { return s[i].End >= start })
	j := i
	for ; j < len(s) && s[j].Start <= end; j++ {
		start, end = min(start, s[j].Start), max(end, s[j].End)
	}
	return slices.Replace(s, i, j, Span{start, end})
}

// Covers reports whether all of sp is in the set.
func (s Spans) Covers(sp Span) bool {
	return slices.ContainsFunc(s, func(have Span) bool {
		return have.Start <= sp.Start && sp.End <= have.End
	})
}
