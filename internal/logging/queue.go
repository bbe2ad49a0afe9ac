package logging

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// queueSize is how many bytes of lines may wait in a Queue, with what it takes to keep them.
	queueSize = 2 << 20
	// lineCost is what it takes to keep a line, besides its text.
	lineCost = 16
	// gatherTime is how long lines gather after a write, so that a busy node makes few of them.
	gatherTime = 20 * time.Millisecond
	// gatherSize is how many bytes are written without waiting for more.
	gatherSize = 64 << 10
	// stallTime is how long Close waits for a write that makes no progress.
	stallTime = time.Second
)

var errStalled = errors.New("nothing takes the log's last lines")

// Queue takes the lines of a log and writes them in a goroutine of its own, so that a reader that
// is slow, stands still or has gone delays no caller. Lines are written whole, in their order,
// within a tenth of a second if the reader takes them. What waits is bounded: lines below the level
// of a warning are dropped when it is three quarters full, and make room for the others when it is
// full. Drops are counted, and reported in a line of their own as soon as one is written.
//
// It is an io.Writer and a zerolog.LevelWriter for concurrent use. Its writes never fail and never
// wait. The caller closes it.
type Queue struct {
	limit int

	mu      sync.Mutex // guards the following
	due     *sync.Cond // signalled when the writer may have something to do
	waiting batch
	dropped tally // since the last time that the writer took what waits
	resting bool  // after a write, lines gather
	hurry   bool  // what waits shouldn't gather any longer
	closed  bool

	done    chan struct{} // closed when everything is written
	emitter emitter
}

// NewQueue returns a queue to w, which gets one line or several in each Write.
func NewQueue(w io.Writer) *Queue { return newQueue(w, queueSize) }

func newQueue(w io.Writer, limit int) *Queue {
	q := &Queue{limit: limit, done: make(chan struct{}), emitter: emitter{out: w}}
	q.due = sync.NewCond(&q.mu)
	go q.run() // ends after Close, unless a Write of w never does
	return q
}

// Write queues a line that survives as long as an error does.
func (q *Queue) Write(line []byte) (int, error) { return q.WriteLevel(zerolog.NoLevel, line) }

// WriteLevel queues a line, of which it keeps a copy. The line ends with a newline.
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
	q.hurry = q.hurry || !spare || q.waiting.size() >= gatherSize
	if q.hurry || !q.resting {
		q.due.Signal()
	}
	return len(line), nil
}

// makeRoom reports whether n bytes more may wait. For a line that isn't spare, those that are give
// way.
func (q *Queue) makeRoom(n int, spare bool) bool {
	if spare {
		return q.waiting.size()+n <= q.limit/4*3
	}
	if q.waiting.size()+n > q.limit {
		q.dropped.add(q.waiting.dropSpare())
	}
	return q.waiting.size()+n <= q.limit
}

// run writes what waits until the queue is closed and empty.
func (q *Queue) run() {
	defer close(q.done)
	var b batch
	for {
		dropped, more := q.take(&b)
		if !more {
			return
		}
		q.emitter.emit(&b, dropped)
		b.reset()
		q.setResting(true)
		time.AfterFunc(gatherTime, func() { q.setResting(false) })
	}
}

func (q *Queue) setResting(resting bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.resting = resting
	q.due.Signal()
}

// take swaps b, which is empty, for what waits, once something does. It also returns what was
// dropped since the last time, and whether there is anything, or will be.
func (q *Queue) take(b *batch) (dropped tally, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	something := func() bool { return q.waiting.size() > 0 || q.dropped.lines > 0 }
	for !q.closed && !(something() && (q.hurry || !q.resting)) {
		q.due.Wait()
	}
	more = something()
	*b, q.waiting = q.waiting, *b
	dropped, q.dropped = q.dropped, tally{}
	q.hurry = false
	return dropped, more
}

// Close writes what waits; what is queued later is dropped. A Write that blocks can't be cancelled:
// Close gives up waiting for it after limit, or after a second without progress, and leaves the
// goroutine to it.
func (q *Queue) Close(limit time.Duration) error {
	q.mu.Lock()
	q.closed = true
	q.due.Signal()
	q.mu.Unlock()
	end := time.NewTimer(limit)
	defer end.Stop()
	for {
		before := q.emitter.pieces.Load()
		select {
		case <-q.done:
			return nil
		case <-end.C:
			return errStalled
		case <-time.After(stallTime):
			if q.emitter.pieces.Load() == before {
				return errStalled
			}
		}
	}
}
