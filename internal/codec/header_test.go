package codec

import (
	"bytes"
	"net/http"
	"runtime"
	"testing"
)

// TestClaimsTakeNoMemory: a message that says it has very many fields takes no memory for them
// before they are there.
func TestClaimsTakeNoMemory(t *testing.T) {
	const size = 1 << 20
	var w Coder
	n := size
	Int(&w, &n)
	w.B = append(w.B, bytes.Repeat([]byte{0xff}, size)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, h := &Coder{B: w.B, Reads: true}, http.Header(nil)
	r.Header(&h)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; !r.Bad || got > size {
		t.Errorf("%d bytes for a message of %d, refused: %v", got, size, r.Bad)
	}
}
