package store

import (
	"fmt"
	"sync"
	"testing"
)

// TestLookupWaitsForNoChange: a hit takes no lock that one who changes other records holds.
func TestLookupWaitsForNoChange(t *testing.T) {
	s := open(t, &canned{})
	install(s, "k", 200, 1<<10)
	s.mu.Lock()
	defer s.mu.Unlock()
	if find(s, "k", nil) == nil || find(s, "another", nil) != nil {
		t.Error("wrong records")
	}
}

// TestFindSeesEachChange: what has been stored is found from then on, and what has been removed
// isn't, whatever happens to other keys at the same time, of the same path or of others.
func TestFindSeesEachChange(t *testing.T) {
	s := open(t, &canned{})
	var keys sync.WaitGroup
	for i := range 16 {
		key := fmt.Sprintf("path%d?q=%d", i/4, i)
		keys.Go(func() {
			for range 200 {
				install(s, key, 200, 1<<10)
				if rec := find(s, key, nil); rec == nil || rec.Key != key {
					t.Errorf("%s: found %+v", key, rec)
				}
				s.Remove([]string{key})
				if rec := find(s, key, nil); rec != nil {
					t.Errorf("%s: found after it was removed", key)
				}
			}
		})
	}
	keys.Wait()
	if u := s.Usage(); u.Records != 0 || u.RecordBytes != 0 {
		t.Errorf("%+v", u)
	}
}
