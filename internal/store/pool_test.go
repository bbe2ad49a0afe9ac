package store

import (
	"fmt"
	"strings"
	"testing"
)

// install puts a record of that status and length into the table.
func install(s *Store, key string, status int, length int64) {
	installFor(s, false, key, status, length)
}

func installFor(s *Store, head bool, key string, status int, length int64) {
	rec := NewRecord()
	rec.HeadOnly, rec.Key, rec.Status, rec.Length, rec.Version = head, key, status, length, "v"
	s.cfg.prepare(rec)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.installLocked(rec)
}

func has(s *Store, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.look(key).entry != nil
}

func entryOf(s *Store, key string) *entry { return s.look(key).entry }

// room is how many records like the first of a class the table has room for.
func room(s *Store) int { return int(s.cfg.Memory / recordsShare / s.recordBytes.Load()) }

// TestClassesMakeRoomForTheirOwn: of what can be asked for without end no more comes at a file's
// expense than its share.
func TestClassesMakeRoomForTheirOwn(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		length int64
		key    string
		part   int64
		head   bool
	}{
		"small":     {200, 1, "small", parts[small], false},
		"empty":     {200, 0, "small", parts[small], false},
		"heads":     {200, 5000, "head", parts[heads], true},
		"queried":   {200, 1, "head?", parts[heads], true},
		"errors":    {404, 5000, "gone", parts[errs], false},
		"redirects": {301, 0, "moved", parts[errs], false},
		"queries":   {200, 5000, "script?", parts[queries], false},
		"no query":  {404, 0, "script?", parts[errs], false},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, &canned{})
			install(s, "file", 200, 5000)
			n := room(s)
			for i := range n / 2 {
				install(s, fmt.Sprint("file", i), 200, 5000)
			}
			for i := range 3 * n {
				installFor(s, c.head, fmt.Sprint(c.key, i), c.status, c.length)
			}
			for i := range n / 2 {
				if !has(s, fmt.Sprint("file", i)) {
					t.Fatalf("file %d of %d has gone for %s", i, n/2, name)
				}
			}
			// Files come at its expense down to its share.
			for i := range 3 * n {
				install(s, fmt.Sprint("later", i), 200, 5000)
			}
			left := 0
			for _, key := range s.keysWhereLocked(func(string) bool { return true }) {
				if strings.HasPrefix(key, c.key) {
					left++
				}
			}
			if want := n / int(c.part); left < want*8/10 || left > want*12/10 {
				t.Errorf("%d of %s are left, want about %d", left, name, want)
			}
		})
	}
}

// TestWhatIsUsedAgainStays: a scan evicts its own kind, however long it is.
func TestWhatIsUsedAgainStays(t *testing.T) {
	s := open(t, &canned{})
	install(s, "hot", 200, 5000)
	n := room(s)
	for i := range 10 * n {
		if i%(n/4) == 0 && find(s, "hot", nil) == nil {
			t.Fatalf("what is used again has gone after %d others", i)
		}
		install(s, fmt.Sprint("file", i), 200, 5000)
	}
	if has(s, "file0") {
		t.Error("what was used once is still there")
	}
}

// TestFewQueriesAreFiles: names like style.css?v=3 aren't a script's.
func TestFewQueriesAreFiles(t *testing.T) {
	s := open(t, &canned{})
	for i := range 2 * manyQueries {
		install(s, fmt.Sprint("script?", i), 200, 5000)
		install(s, fmt.Sprint("style", i, ".css?v=3"), 200, 5000)
	}
	if got := entryOf(s, "style0.css?v=3").pool; got != files {
		t.Errorf("a file with a query is of class %d", got)
	}
	if got := entryOf(s, fmt.Sprint("script?", 2*manyQueries-1)).pool; got != queries {
		t.Errorf("one of many queries is of class %d", got)
	}
	for _, key := range s.keysWhereLocked(func(string) bool { return true }) {
		s.removeLocked(key)
	}
	if len(s.queries) > 0 || s.recordBytes.Load() != 0 || s.pools != [classes]pool{} {
		t.Errorf("an empty table counts %d paths, %d bytes, %v", len(s.queries),
			s.recordBytes.Load(), s.pools)
	}
}
