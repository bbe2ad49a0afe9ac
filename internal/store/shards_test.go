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

// TestRefreshWaitsForNoChange: nor does a hit that has the record validated in the background.
func TestRefreshWaitsForNoChange(t *testing.T) {
	src := &canned{size: 1 << 10}
	s := open(t, src)
	install(s, "k", 200, 1<<10)
	rec := find(s, "k", nil)
	s.mu.Lock()
	s.Refresh(&Request{Key: "k"}, rec)
	s.Refresh(&Request{Key: "k"}, rec) // which is under way
	if n := s.refreshing.count(); n != 1 {
		t.Errorf("%d are being validated", n)
	}
	s.mu.Unlock()
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
