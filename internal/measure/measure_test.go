package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestCells(t *testing.T) {
	if len(cells) != numCells {
		t.Errorf("there are %d cells, and room for %d", len(cells), numCells)
	}
	if Short != nativeEnd(first) {
		t.Errorf("short is up to %d, and the first native bucket begins at %d", Short,
			nativeEnd(first))
	}
}

// TestDurations holds both kinds of buckets against counts of the durations themselves.
func TestDurations(t *testing.T) {
	all := []time.Duration{-1, 0, 1, Short, Short + 1, time.Millisecond, time.Millisecond + 1,
		300 * time.Second, 300*time.Second + 1,
		time.Hour, math.MaxInt64 / 4}
	for _, c := range cells[:len(cells)-1] {
		all = append(all, c.most-1, c.most, c.most+1)
	}
	for range 10_000 {
		all = append(all, time.Duration(math.Exp2(rand.Float64()*44)))
	}
	var d Durations
	var sum time.Duration
	for _, one := range all {
		d.Observe(one)
		if one > Short {
			sum += one
		}
	}
	got := d.Read()
	if got.Count != uint64(len(all)) || got.Sum != sum {
		t.Errorf("%d that take %d, want %d that take %d", got.Count, got.Sum, len(all), sum)
	}
	upTo := func(most time.Duration) (n uint64) {
		for _, one := range all {
			if one <= most {
				n++
			}
		}
		return n
	}
	if want := upTo(Short); got.Short != want {
		t.Errorf("%d are short, not %d", got.Short, want)
	}
	for i, bound := range Bounds {
		if want := upTo(seconds(bound)); got.Classic[i] != want {
			t.Errorf("up to %v s: %d, want %d", bound, got.Classic[i], want)
		}
	}
	up := got.Short
	for i, n := range got.Native[:len(got.Native)-1] {
		up += n
		if want := upTo(nativeEnd(FirstNative + i)); up != want {
			t.Errorf("up to native bucket %d: %d, want %d", FirstNative+i, up, want)
		}
	}
	if up += got.Native[len(got.Native)-1]; up != got.Count {
		t.Errorf("the native buckets have %d of %d", up, got.Count)
	}
	twice := got.Plus(Distribution{}).Plus(got)
	if twice.Count != 2*got.Count || twice.Sum != 2*got.Sum ||
		twice.Classic[5] != 2*got.Classic[5] || twice.Native[5] != 2*got.Native[5] {
		t.Errorf("twice that is %+v", twice)
	}
}

func TestRequests(t *testing.T) {
	var r Requests
	r.Ended(Request{Cache: "hit", Source: "memory", Status: 200, Bytes: 10, Took: time.Microsecond})
	r.Ended(Request{Cache: "hit", Source: "memory", Status: 206, Bytes: 5, Took: time.Second,
		First: time.Microsecond})
	r.Ended(Request{Cache: "miss", Source: "origin", Status: 200, Bytes: 7, Took: 2 * time.Second,
		First: time.Second})
	r.Ended(Request{Cache: "collapsed", Source: "peer", Status: 502, Bytes: 3, Took: 1,
		Aborted: true})
	r.Ended(Request{Status: 404, Bytes: 1, Took: 1})
	r.Ended(Request{Cache: "pass", Aborted: true})
	r.Ended(Request{Status: 999})
	e := r.Read()
	want := map[[2]string]uint64{{"hit", "2xx"}: 2, {"miss", "2xx"}: 1, {"collapsed", "5xx"}: 1,
		{"none", "4xx"}:  1,
		{"pass", "none"}: 1, {"none", "5xx"}: 1}
	for o, word := range Outcomes {
		if outcome(word) != o {
			t.Errorf("%s is outcome %d, not %d", word, outcome(word), o)
		}
		var all uint64
		for class, name := range Classes {
			all += e.Requests[o][class]
			if got := e.Requests[o][class]; got != want[[2]string{word, name}] {
				t.Errorf("%s %s: %d", word, name, got)
			}
		}
		if e.Took[o].Count != all || e.First[o].Count != all {
			t.Errorf("%s: %d, of which %d took some time, and %d had a first byte", word, all,
				e.Took[o].Count, e.First[o].Count)
		}
	}
	if hit := e.Took[1]; hit.Short != 1 || hit.Sum != time.Second || hit.Classic[0] != 1 ||
		hit.Classic[9] != 2 {
		t.Errorf("hits take %+v", hit)
	}
	if hit, miss := e.First[1], e.First[2]; hit.Short != 2 || hit.Sum != 0 || miss.Short != 0 ||
		miss.Sum != time.Second {
		t.Errorf("the first bytes of hits take %+v, and of a miss %+v", hit, miss)
	}
	if !slices.Equal(e.Sizes[0][:2], []uint64{2, 0}) || e.Sizes[3][0] != 3 {
		t.Errorf("sizes %v", e.Sizes)
	}
	if !slices.Equal(e.Bytes[:], []int64{15, 3, 7, 1}) || e.Aborted != 2 {
		t.Errorf("bytes %v, %d aborted", e.Bytes, e.Aborted)
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]int{-1: 0, 0: 0, 1: 0, 512: 0, 513: 1, 4096: 1, 4097: 2,
		32768: 2, 32769: 3, 1 << 30: 7, 1<<30 + 1: 8, math.MaxInt64: 8} {
		if got := size(n); got != want || got > 0 && n <= Sizes[got-1] || got < len(Sizes) &&
			n > Sizes[got] {
			t.Errorf("%d bytes have size %d, not %d", n, got, want)
		}
	}
}

// TestNothingGoesBack reads while others count: a count that goes down would look like a new
// process.
func TestNothingGoesBack(t *testing.T) {
	var r Requests
	var counting sync.WaitGroup
	const each = 20_000
	for range 4 {
		counting.Go(func() {
			for range each {
				r.Ended(Request{Cache: "hit", Source: "memory", Status: 200, Bytes: 1,
					Took: time.Duration(rand.Int64N(int64(4 * Short)))})
			}
		})
	}
	done := make(chan struct{})
	go func() { counting.Wait(); close(done) }()
	var before Ended
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		now := r.Read()
		a, b := before.Took[1], now.Took[1]
		up := b.Short
		for _, n := range b.Native {
			up += n
		}
		if b.Count < a.Count || b.Short < a.Short || b.Sum < a.Sum || up != b.Count ||
			now.Bytes[0] < before.Bytes[0] {
			t.Fatalf("%+v after %+v", b, a)
		}
		for i, n := range a.Classic {
			if b.Classic[i] < n {
				t.Fatalf("%v after %v", b.Classic, a.Classic)
			}
		}
		before = now
	}
	if before.Requests[1][2] != 4*each {
		t.Errorf("%d requests", before.Requests[1][2])
	}
}

func BenchmarkEnded(b *testing.B) {
	var r Requests
	q := Request{Cache: "hit", Source: "memory", Status: 200, Bytes: 1024,
		Took: 20 * time.Microsecond, First: 10 * time.Microsecond}
	b.ReportAllocs()
	for b.Loop() {
		r.Ended(q)
	}
}
