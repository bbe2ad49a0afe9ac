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
		for range 30 {
			start := r.Int64N(size)
			end := start + 1 + r.Int64N(size-start)
			in := r.IntN(3) > 0
			if in {
				s = s.Add(start, end)
			} else {
				s = s.Remove(start, end)
			}
			for i := start; i < end; i++ {
				want[i] = in
			}
			for off := range int64(size) {
				next := int64(-1)
				for i := off; i < size && next < 0; i++ {
					if want[i] {
						next = i
					}
				}
				if got := s.Next(off, size); got != next {
					t.Fatalf("seed %d: next(%d) of %v is %d, want %d", seed, off, s, got, next)
				}
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
