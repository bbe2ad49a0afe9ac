package store

import (
	"fmt"
	"testing"
)

// turnOver has as many bytes of chunks come to main as there is room for, so many times. Meanwhile
// used are used.
func turnOver(s *Store, times int, used ...string) {
	for range times {
		_, room := s.chunks.Turnover()
		come(s, room, true, used...)
	}
}

// come has n bytes of chunks come, and used be used meanwhile.
func come(s *Store, n int64, wanted bool, used ...string) {
	for i := range n / s.cfg.Geometry.Max {
		turned++
		rec := &Record{Key: fmt.Sprint("chunks", turned), Details: plain,
			Version: fmt.Sprint("turned", turned), Length: s.cfg.Geometry.First}
		s.push(rec, 0, make([]byte, s.cfg.Geometry.Max), wanted)
		s.bodies.mu.Lock()
		delete(s.byVersion, rec.Version)
		s.bodies.mu.Unlock()
		for _, key := range used {
			if i%16 == 0 {
				s.Find(key, nil, true)
			}
		}
	}
}

var turned int

// TestUnusedRecordsMakeRoomForChunks: while chunks make room for each other, records that nobody
// uses go, down to their class's part; not so those that are used, or whose content is being read.
func TestUnusedRecordsMakeRoomForChunks(t *testing.T) {
	for name, c := range map[string]struct {
		class  class
		status int
		length int64
		key    string
		head   bool
	}{
		"files":   {files, 200, 5000, "file", false},
		"small":   {small, 200, 1, "small", false},
		"heads":   {heads, 200, 5000, "head", true},
		"errors":  {errs, 404, 5000, "gone", false},
		"queries": {queries, 200, 5000, "script?", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, &canned{})
			var used, read []string
			for i := 0; s.recordBytes.Load() < s.cfg.Memory/5; i++ {
				key := fmt.Sprint(c.key, i)
				installFor(s, c.head, key, c.status, c.length)
				switch i % 20 {
				case 0:
					used = append(used, key)
				case 10:
					read = append(read, key)
					s.bodies.mu.Lock()
					s.look(key).variants[0].Version = key
					s.bodyLocked(key).runs = []*run{{}}
					s.bodies.mu.Unlock()
				}
			}
			before := s.recordBytes.Load()
			turnOver(s, 1, used...) // and there is room for less
			if got := s.pools[c.class].bytes; got < before/2 {
				t.Errorf("%d bytes of %d are left before their time", got, before)
			}
			turnOver(s, 4, used...)
			for _, key := range append(used, read...) {
				if !has(s, key) {
					t.Errorf("%s is used or being read, and has gone", key)
				}
			}
			if got, want := s.pools[c.class].bytes, s.least(c.class); got > want ||
				got < want*9/10 {
				t.Errorf("%d bytes are left of %d, want %d", got, before, want)
			}
		})
	}
}

// TestFilesTakeWhatChunksLeave: records of files may take half of the memory, which chunks do
// without, and give it back.
func TestFilesTakeWhatChunksLeave(t *testing.T) {
	s := open(t, &canned{})
	turnOver(s, 2)
	for i := 0; i < 5000; i++ {
		install(s, fmt.Sprint("file", i), 200, 5000)
	}
	u, least := s.Usage(), s.cfg.Memory/recordsMost
	if u.RecordBytes > least || u.RecordBytes < least-1000 || u.Chunks.Bytes > least {
		t.Errorf("records have %d of %d bytes, chunks %d", u.RecordBytes, s.cfg.Memory,
			u.Chunks.Bytes)
	}
	turnOver(s, 6)
	if come(s, s.cfg.Memory, false); s.Usage().Chunks.Bytes < s.cfg.Memory*9/10 {
		t.Errorf("chunks have %d of %d bytes, records %d", s.Usage().Chunks.Bytes, s.cfg.Memory,
			s.Usage().RecordBytes)
	}
}
