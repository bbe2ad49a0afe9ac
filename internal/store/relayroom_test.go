package store

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// TestReadersWithoutRoom don't ask another node for a chunk once for each small piece of it: more
// readers than there is room for sending chunks take turns at contents that another node holds.
func TestReadersWithoutRoom(t *testing.T) {
	const size, readers = 24 << 10, 24 // 6 chunks each, and together half of the memory
	for _, start := range []int64{0, 5 << 10} {
		t.Run(fmt.Sprint("from ", start), func(t *testing.T) {
			src := &canned{size: size, rangeable: true}
			c := openCluster(t, "b", &canned{}, src)
			s := c.nodes["a"]
			var all [readers]Reader
			var got [readers][]byte
			for i := range all {
				key := fmt.Sprint("k", i)
				read(t, c.nodes["b"], key, 0, -1)
				res, err := s.Fetch(t.Context(), &Request{Key: key}, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Close()
				s.Reader(&all[i], &Fields{}, res.Record, start, -1)
				defer all[i].Close()
			}
			c.asked()
			for left := readers; left > 0; {
				left = 0
				for i := range all {
					b, err := all[i].Next(t.Context(), nil)
					if got[i] = append(got[i], b...); err == nil {
						left++
					} else if err != io.EOF {
						t.Fatal(err)
					}
				}
			}
			for i := range got {
				if string(got[i]) != content(start, size) {
					t.Errorf("reader %d has %d bytes, or wrong ones", i, len(got[i]))
				}
			}
			if calls := len(c.asked()); calls > readers*6 {
				t.Errorf("the other node was asked %d times", calls)
			}
			if src.fetches != readers {
				t.Errorf("%d fetches", src.fetches)
			}
		})
	}
}

// TestRelaysShareTheirRoom: together they have no more than there is, but for a little each; one
// alone has as much as it may, and what was given back is had again.
func TestRelaysShareTheirRoom(t *testing.T) {
	s := openWith(t, &canned{}, 1<<20)
	r := &s.rooms
	for range 3 {
		if n := r.allot(); n != mostRelay {
			t.Errorf("one alone has %d", n)
		} else {
			r.disallot(n)
		}
		var all []int64
		var most int64
		for range 500 {
			if len(all) > 0 && rand.IntN(4) == 0 {
				i := rand.IntN(len(all))
				most -= all[i]
				r.disallot(all[i])
				all = append(all[:i], all[i+1:]...)
				continue
			}
			n := r.allot()
			all, most = append(all, n), most+n
			if most > relayRoom+int64(len(all))*r.small || n < r.small {
				t.Fatalf("%d relays have %d bytes, the last one %d", len(all), most, n)
			}
		}
		for _, n := range all {
			r.disallot(n)
		}
	}
	if r.relays.Load() != 0 || r.relaying.bytes.Load() != 0 {
		t.Errorf("%d relays are left, with %d bytes", r.relays.Load(), r.relaying.bytes.Load())
	}
}
