package store

import "slices"

// spans is a set of offsets: half-open intervals, sorted, apart from each other. It notes which
// chunks were pushed; groupcache may have evicted them since.
type spans []span

type span struct{ start, end int64 }

// add puts [start, end) into the set.
func (s spans) add(start, end int64) spans {
	i, _ := slices.BinarySearchFunc(s, start, func(sp span, off int64) int {
		if sp.end < off {
			return -1
		}
		return 1
	})
	j := i
	for ; j < len(s) && s[j].start <= end; j++ {
		start, end = min(start, s[j].start), max(end, s[j].end)
	}
	return slices.Replace(s, i, j, span{start, end})
}

// remove takes [start, end) out of the set.
func (s spans) remove(start, end int64) spans {
	var kept spans
	for _, sp := range s {
		if sp.start < min(sp.end, start) {
			kept = append(kept, span{sp.start, min(sp.end, start)})
		}
		if max(sp.start, end) < sp.end {
			kept = append(kept, span{max(sp.start, end), sp.end})
		}
	}
	return kept
}

// next returns the first offset in [off, end) that is in the set, or -1.
func (s spans) next(off, end int64) int64 {
	for _, sp := range s {
		if at := max(sp.start, off); at < min(sp.end, end) {
			return at
		}
	}
	return -1
}

// covers reports whether all of sp is in the set.
func (s spans) covers(sp span) bool {
	for _, have := range s {
		if have.start <= sp.start && sp.end <= have.end {
			return true
		}
	}
	return false
}
