package store

import (
	"fmt"
	"sync"
	"testing"
)

// TestLargest: the longest contents are found, each key once, in their order; what has none isn't.
func TestLargest(t *testing.T) {
	s := open(t, &canned{})
	for i := range 500 {
		install(s, fmt.Sprint("k", i), 200, int64((i*37)%1000))
	}
	install(s, "k5", 200, 5000)
	var got []string
	for _, rec := range s.Largest(4) {
		got = append(got, fmt.Sprint(rec.Key, " ", rec.Length))
	}
	if want := "[k5 5000 k27 999 k54 998 k81 997]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
	if all := s.Largest(5000); len(all) != 499 { // k0 has no content
		t.Errorf("%d are found", len(all))
	}
	if none := s.Largest(0); len(none) != 0 {
		t.Errorf("%d are found, though none are asked for", len(none))
	}
}

// TestLargestBesideChanges: records come and go while others are looked at.
func TestLargestBesideChanges(t *testing.T) {
	s := open(t, &canned{})
	install(s, "stays", 200, 1<<20)
	var changes sync.WaitGroup
	for i := range 4 {
		changes.Go(func() {
			for j := range 500 {
				key := fmt.Sprint("k", i, "-", j)
				install(s, key, 200, 100)
				if j%2 == 0 {
					s.Remove([]string{key})
				}
			}
		})
	}
	changes.Go(func() {
		for range 50 {
			if got := s.Largest(3); len(got) == 0 || got[0].Key != "stays" {
				t.Errorf("%+v", got)
			}
		}
	})
	changes.Wait()
}
