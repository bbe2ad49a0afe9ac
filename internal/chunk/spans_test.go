package chunk

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSpansAreASet(t *testing.T) {
	const size = 40
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var s Spans
		var want [size]bool
		for range 15 {
			start := r.Int64N(size)
			end := start + 1 + r.Int64N(min(4, size-start))
			s = s.Add(start, end)
			for i := start; i < end; i++ {
				want[i] = true
			}
			for off := range int64(size) {
				end := off + 1 + r.Int64N(size-off)
				if got := s.Covers(Span{off, end}); got != !slices.Contains(want[off:end], false) {
					t.Fatalf("seed %d: %v covers [%d, %d): %v", seed, s, off, end, got)
				}
			}
			for i := 1; i < len(s); i++ {
				if s[i-1].End >= s[i].Start {
					t.Fatalf("seed %d: %v isn't sorted and apart", seed, s)
				}
			}
		}
	}
}
