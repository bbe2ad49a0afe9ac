package fill

import (
	"bytes"
	"sync/atomic"
	"testing"
)

// TestLentMemory is used again, and not before the last follower that has some of it wants more:
// one follower stays at each chunk while the run goes on, and another reads on.
func TestLentMemory(t *testing.T) {
	const size = 16 * 400
	body := newScript(t.Context())
	r, rec := start(t, setup{
		End: size, Body: body, Lends: func() bool { return true }, Hold: 32,
		Transient: func() bool { return true },
	})
	quick, slow := follow(t, r, 0, size, Everything), follow(t, r, 0, size, Everything)
	places, again := map[*byte]bool{}, 0
	var kept []byte // by the slow one
	var from int64
	for off := int64(0); off < size; off = next(off) {
		body.send <- content(off, next(off))
		b, err := quick.Next(t.Context(), nil, nil)
		if err != nil || !bytes.Equal(b, content(off, next(off))) {
			t.Fatalf("at %d: %x, %v", off, b, err)
		}
		if !quick.Lent() {
			t.Fatalf("what is at %d isn't lent", off)
		}
		if places[&b[0]] {
			again++
		}
		places[&b[0]] = true
		if !bytes.Equal(kept, content(from, from+int64(len(kept)))) {
			t.Fatalf("at %d, what the slow follower has of %d has changed", off, from)
		}
		if off/16%10 == 9 { // it has been left behind, and goes to where the run is
			slow.Skip(off - slow.pos)
			if kept, err = slow.Next(t.Context(), nil, nil); err != nil {
				t.Fatal(err)
			}
			from = off
		}
	}
	expectEOF(t, quick)
	<-rec.done
	if len(rec.chunks) > 0 {
		t.Errorf("%d chunks were pushed", len(rec.chunks))
	}
	if again < 100 { // under the race detector, a Pool drops some of what it gets
		t.Errorf("memory was used again %d times", again)
	}
}

// TestLendingEnds: what is read once it has is pushed.
func TestLendingEnds(t *testing.T) {
	var ended atomic.Bool
	body := newScript(t.Context())
	r, rec := start(t, setup{End: 48, Body: body, Hold: 48,
		Lends: func() bool { return !ended.Load() }})
	f := follow(t, r, 0, 48, Everything)
	body.send <- content(0, 10)
	expect(t, f, 0, 10)
	ended.Store(true)
	body.send <- content(10, 40) // the rest of the chunk that it has begun, and others
	expect(t, f, 10, 40)
	body.send <- content(40, 48)
	expect(t, f, 40, 48)
	expectEOF(t, f)
	<-rec.done
	if len(rec.chunks) != 2 || rec.chunks[0] != "16+16" || rec.chunks[1] != "32+16" {
		t.Errorf("pushed %q", rec.chunks)
	}
}
