package logging

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// queueSize is how many bytes of lines may wait in a Queue, lineCost included.
	queueSize = 2 << 20
	// lineCost is how many bytes a line takes besides its text.
	lineCost = 16
	// gatherTime is how long lines gather after a write, at most, so that a busy node makes few
	// writes.
	gatherTime = 20 * time.Millisecond
	// gatherSize is how many bytes don't wait for more.
	gatherSize = 64 << 10
	// stallTime is how long Close waits without progress.
	stallTime = time.Second
)

var errStalled = errors.New("nothing takes the log's last lines")

// Queue takes the lines of a log and writes them in a goroutine of its own, so that a slow, stalled
// or closed reader delays no caller. Lines are written whole, in their order, within a tenth of a
// second if the reader takes them. The queue is bounded: lines below the level of a warning are
// dropped when it is three quarters full, and are removed in favour of others when it is full.
// Dropped lines are counted, and reported in a line of their own as soon as one can be written.
//
// It is an io.Writer and a zerolog.LevelWriter for concurrent use. Its writes never fail and never
// wait. The caller closes it.
type Queue struct {
	limit   int
	done    chan struct{} // closed when everything is written
	emitter emitter

	mu      sync.Mutex // guards the following
	waiting batch
	dropped tally         // since the writer took the waiting lines
	taken   tally         // dropped before that
	due     chan struct{} // holds one when the writer has something to do
	hurry   chan struct{} // holds one when lines shouldn't gather any longer
	closed  bool          // due and hurry are closed, too
}

// NewQueue returns a queue to w, which gets one line or several in each Write.
func NewQueue(w io.Writer) *Queue { return newQueue(w, queueSize) }

func newQueue(w io.Writer, limit int) *Queue {
	q := &Queue{
		limit: limit, done: make(chan struct{}), emitter: emitter{out: w, size: pieceOf(w)},
		due: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
	}
	go q.run() // ends after Close, unless a Write of w never does
	return q
}

// Write queues a line with the priority of an error.
func (q *Queue) Write(line []byte) (int, error) { return q.WriteLevel(zerolog.NoLevel, line) }

// WriteLevel queues a copy of a line, which ends with a newline.
func (q *Queue) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	spare := level < zerolog.WarnLevel
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return len(line), nil
	case q.makeRoom(len(line)+lineCost, spare):
		q.waiting.add(line, spare)
	default:
		q.dropped.count(spare)
	}
	signal(q.due)
	if !spare || q.waiting.size() >= gatherSize {
		signal(q.hurry)
	}
	return len(line), nil
}

// signal has c hold one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// makeRoom reports whether there is room for a line of n bytes. For a line that isn't spare, it
// drops the spare ones if necessary.
func (q *Queue) makeRoom(n int, spare bool) bool {
	if spare {
		return q.waiting.size()+n <= q.limit/4*3
	}
	if q.waiting.size()+n > q.limit {
		q.dropped.add(q.waiting.dropSpare())
	}
	return q.waiting.size()+n <= q.limit
}

// run writes the waiting lines until the queue is closed and empty.
func (q *Queue) run() {
	defer close(q.done)
	var b batch
	for range q.due {
		q.emitter.emit(&b, q.take(&b))
		b.reset()
		select {
		case <-q.hurry:
		case <-time.After(gatherTime):
		}
	}
}

// take swaps b, which is empty, for the waiting lines. It returns how many lines were dropped since
// the last time.
func (q *Queue) take(b *batch) (dropped tally) {
	q.mu.Lock()
	defer q.mu.Unlock()
	*b, q.waiting = q.waiting, *b
	dropped, q.dropped = q.dropped, tally{}
	q.taken.add(dropped)
	return dropped
}

// Dropped is how many lines have been dropped, or couldn't be written, whether that has been
// reported or not.
func (q *Queue) Dropped() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int64(q.taken.lines+q.dropped.lines) + q.emitter.failed.Load()
}

// Close writes the waiting lines; lines that are queued later are dropped. A blocked write can't be
// cancelled: Close stops waiting after limit, or after a second without progress, returns an error,
// and leaves the goroutine running.
func (q *Queue) Close(limit time.Duration) error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.due)
		close(q.hurry)
	}
	q.mu.Unlock()
	end := time.After(limit)
	for {
		before := q.emitter.pieces.Load()
		select {
		case <-q.done:
			return nil
		case <-end:
			return errStalled
		case <-time.After(stallTime):
			if q.emitter.pieces.Load() == before {
				return errStalled
			}
		}
	}
}
