package store

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/race"
)

// bring has s bring the content under key as a whole, and returns its record.
func bring(t *testing.T, s *Store, key string) *Record {
	t.Helper()
	res, err := s.Fetch(t.Context(), &Request{Key: key, Whole: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	var rd Reader
	s.ReaderFrom(&rd, &Fields{}, res, 0, -1)
	readAll(t, &rd)
	settled(s)
	return res.Record
}

// settled waits until no fill reads any more, in a test whose time is synctest's.
func settled(s *Store) {
	for synctest.Wait(); s.Usage().LiveFills > 0; {
		time.Sleep(idle)
	}
}

// hit reads [start, end) of rec as a handler does, and returns what was foreseen.
func hit(t *testing.T, s *Store, rec *Record, start, end int64) Asked {
	t.Helper()
	var rd Reader
	s.Reader(&rd, &Fields{Cause: Cause{Asked: new(atomic.Bool)}}, rec, start, end)
	if err := rd.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked := rd.Foresee(t.Context())
	if got := readAll(t, &rd); got != content(start, end) {
		t.Errorf("[%d, %d): %d wrong bytes", start, end, len(got))
	}
	settled(s)
	return asked
}

// TestHitLooksEachChunkUpOnce: that all of a content is held is known before its head is sent, and
// no chunk is looked up for that which isn't sent from what was found.
func TestHitLooksEachChunkUpOnce(t *testing.T) {
	for _, rangeable := range []bool{true, false} {
		for _, size := range []int64{1 << 10, 5 << 10, 8 << 10, 8<<10 + 1, 64 << 10, 150 << 10} {
			t.Run(fmt.Sprintf("size=%d/ranges=%v", size, rangeable), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { looksOnce(t, size, rangeable) })
			})
		}
	}
}

func looksOnce(t *testing.T, size int64, rangeable bool) {
	// so much that nothing is evicted that was used just now
	s := openWith(t, &canned{size: size, rangeable: rangeable}, 16<<20)
	defer s.Close()
	rec := bring(t, s, "k")
	hit(t, s, rec, 0, size) // after which it is known
	for _, start := range []int64{0, size / 2} {
		chunks := int64(0)
		for off := start; off < size; off = s.cfg.Geometry.At(off, rec.OneSlab).End {
			chunks++
		}
		before := s.Usage().Chunks.Gets
		if asked := hit(t, s, rec, start, size); asked != NotAsked {
			t.Errorf("from %d on: foreseen %v", start, asked)
		}
		if looks := s.Usage().Chunks.Gets - before; looks != chunks {
			t.Errorf("from %d on: %d looks for %d chunks", start, looks, chunks)
		}
	}
}

// TestForeseenIsTrue: whatever else comes and is evicted, the origin is asked for what isn't
// foreseen to be held, and for nothing that is.
func TestForeseenIsTrue(t *testing.T) {
	synctest.Test(t, foreseenIsTrue)
}

func foreseenIsTrue(t *testing.T) {
	const size = 200 << 10
	src := &canned{size: size, rangeable: true}
	s := open(t, src)
	defer s.Close()
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[Asked]int{}
	rec := bring(t, s, "k")
	for range race.Cases(400) {
		for range r.IntN(5) {
			other := bring(t, s, fmt.Sprint("other", r.IntN(10)))
			hit(t, s, other, 0, size)
		}
		start := r.Int64N(size)
		end := start + 1 + r.Int64N(size-start)
		before := src.opened()
		asked := hit(t, s, rec, start, end)
		seen[asked]++
		if opened := src.opened() > before; opened != (asked == AskedForThis) {
			t.Fatalf("[%d, %d): foreseen %v, and the origin was asked: %v", start, end, asked,
				opened)
		}
	}
	if seen[NotAsked] < race.Cases(20) || seen[AskedForThis] < race.Cases(20) {
		t.Errorf("foreseen: %v", seen)
	}
}

// opened is how many parts have been asked for.
func (c *canned) opened() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.opens)
}

// TestOwnerChangesUnderAReader: what a node has of a content that can't be asked for again it sends
// to the end, though another node comes to own it meanwhile.
func TestOwnerChangesUnderAReader(t *testing.T) {
	for _, size := range []int64{1 << 10, 5 << 10, 20 << 10, 150 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := openCluster(t, "a", &canned{size: size}, &canned{size: size})
				defer c.close()
				a := c.nodes["a"]
				rec := bring(t, a, "k")
				hit(t, a, rec, 0, size) // after which it is known that all is here
				var rd Reader
				a.Reader(&rd, &Fields{}, rec, 0, -1)
				defer rd.Close()
				if err := rd.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.owner = func(string) string { return "b" }
				if got := readAll(t, &rd); got != content(0, size) {
					t.Errorf("%d bytes came", len(got))
				}
			})
		})
	}
}
