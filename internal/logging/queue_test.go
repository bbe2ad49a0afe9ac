package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// reader is what is at the other end of a log: it takes what it is written while it is open, and
// blocks else.
type reader struct {
	open chan struct{}

	mu     sync.Mutex
	pieces [][]byte
}

func (r *reader) Write(b []byte) (int, error) {
	<-r.open
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pieces = append(r.pieces, bytes.Clone(b))
	return len(b), nil
}

func (r *reader) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(bytes.Join(r.pieces, nil))
}

func newReader() *reader { return &reader{open: make(chan struct{})} }

func openReader() *reader {
	r := newReader()
	close(r.open)
	return r
}

// told is what the lines of a log on dropped lines say, and the other lines.
func told(t *testing.T, text string) (lines, severe int, others []string) {
	t.Helper()
	for l := range strings.Lines(text) {
		var line struct {
			Message       string
			Lines, Severe int
		}
		if json.Unmarshal([]byte(l), &line) == nil && line.Message == "log lines dropped" {
			lines += line.Lines
			severe += line.Severe
			continue
		}
		others = append(others, strings.TrimSuffix(l, "\n"))
	}
	return lines, severe, others
}

// TestBlockedReader: what logs is never held up; lines that aren't severe give way to those that
// are, of which the first survive; what is dropped is told where it is missing.
func TestBlockedReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		const size = 10 + lineCost
		q := newQueue(r, 100*size)
		write := func(level zerolog.Level, from, to int) {
			for i := from; i < to; i++ {
				fmt.Fprintf(levelled{q, level}, "%9d\n", i)
			}
		}
		write(zerolog.InfoLevel, 0, 1) // which the writer takes, and waits with
		synctest.Wait()
		write(zerolog.InfoLevel, 1, 101)    // of which the queue takes 75
		write(zerolog.ErrorLevel, 101, 226) // of which it takes 100, after those
		write(zerolog.InfoLevel, 226, 230)  // none
		if n := q.Dropped(); n != 129 {
			t.Errorf("%d lines are dropped before anyone can be told, not 129", n)
		}
		close(r.open)
		time.Sleep(time.Minute)
		write(zerolog.InfoLevel, 230, 231)
		if err := q.Close(time.Minute); err != nil {
			t.Error(err)
		}
		lines, severe, others := told(t, r.text())
		var want []string
		for _, span := range [][2]int{{0, 1}, {101, 201}, {230, 231}} {
			for i := span[0]; i < span[1]; i++ {
				want = append(want, fmt.Sprintf("%9d", i))
			}
		}
		if strings.Join(others, ",") != strings.Join(want, ",") {
			t.Errorf("got %q\nwant %q", others, want)
		}
		if lines != 231-len(want) || severe != 25 {
			t.Errorf("%d lines are told to be dropped, %d of them severe; want %d and 25", lines,
				severe, 231-len(want))
		}
		if n := q.Dropped(); n != int64(lines) {
			t.Errorf("%d lines are dropped, %d are told to be", n, lines)
		}
		if text := r.text(); strings.Index(text, "dropped") < strings.Index(text, " 200\n") ||
			!strings.HasSuffix(text, " 230\n") {
			t.Errorf("the drops are told elsewhere: %s", text)
		}
	})
}

// levelled writes to a queue at one level.
type levelled struct {
	zerolog.LevelWriter
	level zerolog.Level
}

func (l levelled) Write(b []byte) (int, error) { return l.WriteLevel(l.level, b) }

// TestCloseOfBlockedReader: Close ends although a write doesn't, within its limit, or a second
// after the last progress.
func TestCloseOfBlockedReader(t *testing.T) {
	for limit, want := range map[time.Duration]time.Duration{
		time.Hour: time.Second, 10 * time.Millisecond: 10 * time.Millisecond, 0: 0,
	} {
		t.Run(limit.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReader()
				q := NewQueue(r)
				io.WriteString(q, "never\n")
				start := time.Now()
				for range 2 {
					if err := q.Close(limit); err == nil {
						t.Error("it closes as if all were written")
					}
				}
				if got := time.Since(start); got != 2*want {
					t.Errorf("Close takes %v, want %v", got/2, want)
				}
				io.WriteString(q, "too late\n")
				close(r.open)
				if err := q.Close(limit + 1); err != nil || r.text() != "never\n" {
					t.Errorf("%v, %q", err, r.text())
				}
			})
		})
	}
}

// slow takes a second for each write.
type slow struct{ reader }

func (s *slow) Write(b []byte) (int, error) {
	time.Sleep(time.Second - 1)
	return s.reader.Write(b)
}

// TestCloseOfSlowReader: a reader that takes what there is gets all of it, if the limit allows.
func TestCloseOfSlowReader(t *testing.T) {
	for limit, whole := range map[time.Duration]bool{time.Minute: true, 5 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			r := &slow{reader{open: make(chan struct{})}}
			close(r.open)
			q := NewQueue(r)
			line := strings.Repeat("x", pieceSize-1) + "\n"
			for range 10 {
				io.WriteString(q, line)
			}
			err := q.Close(limit)
			if got := len(r.text()) == 10*pieceSize; got != whole || (err == nil) != whole {
				t.Errorf("%v: %v, %d bytes", limit, err, len(r.text()))
			}
			time.Sleep(time.Minute) // until the rest is written
		})
	}
}

// TestLinesLeaveInTime: a line after a pause at once, one of many within a tenth of a second, a
// severe one at once, and many bytes at once.
func TestLinesLeaveInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := openReader()
		q := NewQueue(r)
		defer q.Close(time.Minute)
		expect := func(what string, lines int) {
			t.Helper()
			synctest.Wait()
			if got := strings.Count(r.text(), "\n"); got != lines {
				t.Errorf("%s: %d lines are out, want %d", what, got, lines)
			}
		}
		spare := levelled{q, zerolog.InfoLevel}
		io.WriteString(spare, "1\n")
		expect("the first", 1)
		io.WriteString(spare, "2\n")
		expect("another one", 1)
		time.Sleep(100 * time.Millisecond)
		expect("after a tenth of a second", 2)
		io.WriteString(spare, "3\n")
		expect("after a pause", 3)
		io.WriteString(spare, "4\n")
		io.WriteString(levelled{q, zerolog.WarnLevel}, "5\n")
		expect("a warning", 5)
		io.WriteString(spare, strings.Repeat("6", gatherSize)+"\n")
		expect("a long one", 6)
	})
}

// TestPieces: several lines go out in a write that a pipe takes whole; a longer one goes alone.
func TestPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		q := NewQueue(r)
		random := rand.New(rand.NewPCG(1, 2))
		var want strings.Builder
		for range 2000 {
			line := strings.Repeat("x", random.IntN(300)) + "\n"
			if random.IntN(100) == 0 {
				line = strings.Repeat("y", pieceSize+random.IntN(3)-2) + "\n"
			}
			want.WriteString(line)
			io.WriteString(q, line)
		}
		close(r.open)
		q.Close(time.Minute)
		if r.text() != want.String() {
			t.Error("the text differs")
		}
		for _, p := range r.pieces {
			if !bytes.HasSuffix(p, []byte("\n")) || len(p) > pieceSize && bytes.Count(p,
				[]byte("\n")) > 1 {
				t.Errorf("a piece of %d bytes, %d lines", len(p), bytes.Count(p, []byte("\n")))
			}
		}
		if len(r.pieces) > want.Len()/(pieceSize-600) {
			t.Errorf("%d pieces for %d bytes", len(r.pieces), want.Len())
		}
	})
}

// TestPiecesOfAFile: a file takes many lines in one write.
func TestPiecesOfAFile(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	e, b := emitter{out: f, size: pieceOf(f)}, new(batch)
	line := []byte(strings.Repeat("x", 300) + "\n")
	const lines = 5000
	for range lines {
		b.add(line, true)
	}
	e.emit(b, tally{})
	text, err := os.ReadFile(f.Name())
	if err != nil || !bytes.Equal(text, bytes.Repeat(line, lines)) {
		t.Errorf("%d bytes came, %v", len(text), err)
	}
	if n := e.pieces.Load(); n > int64(len(text)/(filePiece-600)+1) {
		t.Errorf("%d pieces", n)
	}
}

// faulty fails each write that fails says, after it has taken a part of it.
type faulty struct {
	reader
	fails func(b []byte) (n int, err error)
}

func (f *faulty) Write(b []byte) (int, error) {
	if n, err := f.fails(b); err != nil {
		f.reader.Write(b[:n])
		return n, err
	}
	return f.reader.Write(b)
}

// TestFailingReader: whatever fails, each line is either out, once and whole, or told to be
// dropped.
func TestFailingReader(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			random, faults := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			good := false
			r := &faulty{reader: *openReader()}
			r.fails = func(b []byte) (int, error) {
				switch {
				case good || faults.IntN(2) == 0:
					return 0, nil
				case faults.IntN(2) == 0:
					return faults.IntN(len(b) + 1), syscall.EAGAIN
				}
				return faults.IntN(len(b) + 1), syscall.EPIPE
			}
			q := newQueue(r, 20000)
			const total = 3000
			for i := range total {
				fmt.Fprintf(levelled{q, zerolog.Level(random.IntN(5))}, "<%d %s>\n", i,
					strings.Repeat("x", random.IntN(200)))
				if random.IntN(50) == 0 {
					time.Sleep(time.Second)
				}
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			good = true
			io.WriteString(q, "<last>\n")
			if err := q.Close(time.Hour); err != nil {
				t.Error(err)
			}
			dropped, _, others := told(t, r.text())
			whole, last := 0, -1
			for _, line := range others {
				var i int
				if _, err := fmt.Sscanf(line, "<%d", &i); err != nil || !strings.HasSuffix(line,
					">") {
					continue // a part of a line or of what told
				}
				if i <= last {
					t.Errorf("line %d after line %d", i, last)
				}
				last = i
				whole++
			}
			if n := q.Dropped(); n != int64(dropped) {
				t.Errorf("seed %d: %d lines are dropped, %d are told to be", seed, n, dropped)
			}
			if whole+dropped != total {
				t.Errorf("seed %d: %d lines are out, %d told to be dropped; that makes %d, not %d",
					seed, whole, dropped, whole+dropped, total)
			}
		})
	}
}

// TestReasonIsTold: a write that fails says why, and no longer once lines are only too many.
func TestReasonIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := true
		r := &faulty{reader: *openReader()}
		r.fails = func(b []byte) (int, error) {
			if broken {
				return 0, syscall.ENOSPC
			}
			return 0, nil
		}
		q := newQueue(r, 1000)
		io.WriteString(q, "lost\n")
		synctest.Wait()
		broken = false
		io.WriteString(q, "then\n")
		synctest.Wait()
		io.WriteString(q, strings.Repeat("x", 2000)+"\n")
		q.Close(time.Minute)
		var reasons []string
		for l := range strings.Lines(r.text()) {
			var line struct{ Level, Reason string }
			if json.Unmarshal([]byte(l), &line) == nil {
				reasons = append(reasons, line.Level+": "+line.Reason)
			}
		}
		want := "error: no space left on device; error: they came faster than they were taken"
		if got := strings.Join(reasons, "; "); got != want {
			t.Errorf("got %s in %s", got, r.text())
		}
	})
}

// TestConcurrentLines: no line of many that log at once is lost or mixed with another.
func TestConcurrentLines(t *testing.T) {
	r := openReader()
	q := NewQueue(r)
	var writing sync.WaitGroup
	for g := range 8 {
		writing.Go(func() {
			for i := range 1000 {
				fmt.Fprintf(q, "%d %d\n", g, i)
			}
		})
	}
	writing.Wait()
	if err := q.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
	next := map[int]int{}
	for line := range strings.Lines(r.text()) {
		var g, i int
		if _, err := fmt.Sscanf(line, "%d %d\n", &g, &i); err != nil || i != next[g] {
			t.Fatalf("%q comes when %d does next: %v", line, next[g], err)
		}
		next[g]++
	}
	if len(next) != 8 {
		t.Errorf("lines of %d, not 8", len(next))
	}
}

// TestQueueAllocatesNothing: what logs pays for a copy of its line.
func TestQueueAllocatesNothing(t *testing.T) {
	q := NewQueue(io.Discard)
	defer q.Close(time.Minute)
	line := bytes.Repeat([]byte("x"), 400)
	line[len(line)-1] = '\n'
	allocs := testing.AllocsPerRun(20000, func() { q.WriteLevel(zerolog.InfoLevel, line) })
	if allocs > 0 {
		t.Errorf("a line allocates %v times", allocs)
	}
}

// TestPerLine: a writer that wants one line at a time gets them so, until it fails.
func TestPerLine(t *testing.T) {
	r := &faulty{reader: *openReader()}
	r.fails = func(b []byte) (int, error) {
		if string(b) == "bad\n" {
			return 2, errors.New("bad")
		}
		return 0, nil
	}
	if n, err := (perLine{r}).Write([]byte("a\nbc\nbad\nd\n")); n != 5 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
	if len(r.pieces) != 3 || string(r.pieces[1]) != "bc\n" {
		t.Errorf("%q", r.pieces)
	}
}
