package workers

import (
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAllRunAtOnce: no function waits for another one, be there goroutines that wait or not, and
// Close ends those that do.
func TestAllRunAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New()
		want := 0 // goroutines that wait
		for _, n := range []int{1, most - 1, most, 2*most + 1, 3} {
			var all, done sync.WaitGroup
			all.Add(n)
			for range n {
				done.Add(1)
				p.Go(func() {
					all.Done()
					all.Wait()
					done.Done()
				})
			}
			done.Wait()
			synctest.Wait() // until they wait for work
			if want = min(most, max(n, want)); p.waiting != want {
				t.Errorf("after %d functions, %d goroutines wait, want %d", n, p.waiting, want)
			}
		}
		p.Close()
		ran := make(chan bool)
		p.Go(func() { ran <- true })
		<-ran
	}) // which fails if a goroutine is left
}

// TestUsedAgain: the goroutine that has run one function runs the next.
func TestUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New()
		defer p.Close()
		for range 10 {
			p.Go(func() {})
			synctest.Wait()
		}
		if p.waiting != 1 {
			t.Errorf("%d goroutines wait", p.waiting)
		}
	})
}

// deep needs more stack than a new goroutine has.
func deep(n int) int {
	var room [128]byte
	if n > 0 {
		room[n%len(room)] = byte(deep(n - 1))
	}
	return int(room[n%len(room)])
}

func BenchmarkGo(b *testing.B) {
	p := New()
	defer p.Close()
	for name, run := range map[string]func(f func()){"pool": p.Go,
		"statement": func(f func()) { go f() }} {
		b.Run("by="+name, func(b *testing.B) {
			b.ReportAllocs()
			done := make(chan int)
			for b.Loop() {
				run(func() { done <- deep(40) })
				<-done
			}
		})
	}
}
