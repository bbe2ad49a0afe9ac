package chunk

import (
	"fmt"
	"testing"
)

var small = Geometry{First: 4, Max: 16, Slab: 64}

func TestChunksTileTheRepresentation(t *testing.T) {
	for _, g := range []Geometry{small, {First: 8, Max: 8, Slab: 8}, {First: 1, Max: 64, Slab: 128},
		{32 << 10, 1 << 20, 64 << 20}} {
		for _, whole := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/%v", g, whole), func(t *testing.T) {
				seen := map[ID]bool{}
				for off := int64(0); off < 3*g.Slab; {
					c := g.At(off, whole)
					if c.Start != off || c.End <= off {
						t.Fatalf("chunk at %d is [%d, %d): chunks must follow each other", off,
							c.Start, c.End)
					}
					if seen[c.ID] {
						t.Fatalf("chunk %v stands at two places, the second at %d", c.ID, off)
					}
					seen[c.ID] = true
					if last := g.At(c.End-1, whole); last != c {
						t.Fatalf("the last byte of %v is in %v", c, last)
					}
					if c.End-c.Start > g.Max {
						t.Fatalf("%v is larger than %d", c, g.Max)
					}
					off = c.End
				}
			})
		}
	}
}

func TestLadderClimbsInEachSlab(t *testing.T) {
	g := Geometry{32 << 10, 1 << 20, 64 << 20}
	const k = 1 << 10
	want := []int64{32 * k, 32 * k, 64 * k, 128 * k, 256 * k, 512 * k, 1024 * k, 1024 * k}
	for slab := range int64(2) {
		off := slab * g.Slab
		for i, size := range want {
			c := g.At(off, false)
			if c.Slab != slab || c.Index != int64(i) || c.End-c.Start != size {
				t.Errorf("slab %d chunk %d = %+v, want a size of %d", slab, i, c, size)
			}
			off = c.End
		}
	}
	if c := g.At(64<<20, true); c.Slab != 0 || c.Index != 6+63 {
		t.Errorf("as one slab, the byte at 64 MiB is in %+v", c)
	}
}

func TestSlabEnd(t *testing.T) {
	for off, want := range map[int64]int64{0: 64, 63: 64, 64: 128, 65: 128} {
		if got := small.SlabEnd(off); got != want {
			t.Errorf("SlabEnd(%d) = %d, want %d", off, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, g := range []Geometry{{}, {First: 4, Max: 12, Slab: 24}, {First: 4, Max: 2, Slab: 4},
		{First: 4, Max: 8, Slab: 12}, {First: 4, Max: 8}, {First: -4, Max: 8, Slab: 8}} {
		if g.Validate() == nil {
			t.Errorf("%+v is taken for good", g)
		}
	}
	if err := small.Validate(); err != nil {
		t.Error(err)
	}
}
