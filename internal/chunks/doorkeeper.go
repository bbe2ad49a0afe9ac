package chunks

import (
	"math/bits"
	"sync"
)

// doorkeeper remembers the chunks that have come since as many bytes came as main holds, about:
// fingerprints of their keys, of 8 bytes, in two sets. The younger one grows for half of that time.
// Then it becomes the older one, and what was that is forgotten.
type doorkeeper struct {
	memory int64 // bytes that main holds

	mu             sync.Mutex // guards all below
	younger, older set
	came           int64 // bytes, while the younger set grew
}

// bytesPerPrint bounds the fingerprints to one for so many of main's bytes.
const bytesPerPrint = 1 << 10

// knows reports whether a chunk is known, which takes so many bytes, and knows it from now on.
func (d *doorkeeper) knows(chunk uint64, size int64) bool {
	chunk |= 1 // 0 is an empty place
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.came += max(size, bytesPerPrint); d.came > d.memory/2 {
		d.came = size
		d.older, d.younger = d.younger, set{places: make([]uint64, len(d.younger.places))}
	}
	return !d.younger.add(chunk) || d.older.has(chunk)
}

// set is a hash table of fingerprints, with open addressing.
type set struct {
	places []uint64
	n      int // fingerprints
}

// leastPlaces is how many places a set begins with.
const leastPlaces = 64

// place returns where a fingerprint is, or belongs.
func (s *set) place(fingerprint uint64) *uint64 {
	i, _ := bits.Mul64(fingerprint, uint64(len(s.places)))
	for s.places[i] != 0 && s.places[i] != fingerprint {
		if i++; i == uint64(len(s.places)) {
			i = 0
		}
	}
	return &s.places[i]
}

func (s *set) has(fingerprint uint64) bool {
	return s.n > 0 && *s.place(fingerprint) != 0
}

// add adds a fingerprint, and reports whether it is new. The set grows by half where it is full to
// three quarters, so that a fingerprint takes 16 bytes at the most.
func (s *set) add(fingerprint uint64) bool {
	if 4*(s.n+1) > 3*len(s.places) {
		old := s.places
		s.places = make([]uint64, max(leastPlaces, len(old)*3/2))
		for _, f := range old {
			if f != 0 {
				*s.place(f) = f
			}
		}
	}
	p := s.place(fingerprint)
	if *p != 0 {
		return false
	}
	*p = fingerprint
	s.n++
	return true
}
