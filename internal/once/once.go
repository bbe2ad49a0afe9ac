// Package once remembers what has been reported, so that a problem that lasts is reported once.
package once

import (
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
)

// Most is how many reports a Set remembers. It forgets the oldest first, so that strangers that
// cause reports can't fill the memory.
const Most = 256

// Set is a set of reports. The zero value is ready for use. Its methods may be called
// concurrently.
type Set struct {
	mu   sync.Mutex
	seen [][sha256.Size]byte // the oldest first
}

// First notes a report, and returns whether it is the first about the same thing since that was
// last forgotten.
func (s *Set) First(about ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := hash(about)
	if slices.Contains(s.seen, key) {
		return false
	}
	s.seen = append(s.seen[max(0, len(s.seen)+1-Most):], key)
	return true
}

// Forget forgets the report about that.
func (s *Set) Forget(about ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.seen, hash(about)); i >= 0 {
		s.seen = slices.Delete(s.seen, i, i+1)
	}
}

// Clear forgets everything.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = nil
}

func hash(about []string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join(about, "\x00")))
}
