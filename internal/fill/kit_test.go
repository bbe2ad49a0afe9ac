package fill

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
)

// Chunks of the tests: 4, 4, 8, 16, 16, …
func next(off int64) int64 {
	for _, end := range []int64{4, 8, 16} {
		if off < end {
			return end
		}
	}
	return (off/16 + 1) * 16
}

// script is a body whose pieces the test sends, or whose error.
type script struct {
	ctx    context.Context
	send   chan []byte
	fail   chan error
	rest   []byte
	closed chan struct{}
	once   sync.Once
}

func newScript(ctx context.Context) *script {
	return &script{ctx: ctx, send: make(chan []byte), fail: make(chan error), closed: make(chan struct{})}
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		select {
		case s.rest = <-s.send:
		case err := <-s.fail:
			return 0, err
		case <-s.ctx.Done():
			return 0, context.Cause(s.ctx)
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *script) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// content is what representations consist of.
func content(start, end int64) []byte {
	b := make([]byte, end-start)
	for i := range b {
		b[i] = byte((start + int64(i)) * 7)
	}
	return b
}

// record notes what a run tells.
type record struct {
	mu     sync.Mutex
	chunks []string
	end    int64
	err    error
	done   chan struct{}
}

func (r *record) push(off int64, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !bytes.Equal(b, content(off, off+int64(len(b)))) || len(b) != cap(b) {
		r.chunks = append(r.chunks, "wrong bytes or capacity")
	}
	r.chunks = append(r.chunks, fmt.Sprintf("%d+%d", off, len(b)))
}

func (r *record) finished(end int64, err error) {
	r.end, r.err = end, err
	close(r.done)
}

func start(t *testing.T, cfg Config) (*Run, *record) {
	t.Helper()
	rec := &record{done: make(chan struct{})}
	cfg.Next, cfg.Done = next, rec.finished
	cfg.Push = rec.push
	if cfg.Want == 0 {
		cfg.Want = Everything
	}
	r := New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	if body, ok := cfg.Body.(*script); ok {
		body.ctx = ctx // as an origin's body ends with the context of its request
	}
	r.Start(ctx, cancel)
	return r, rec
}

// Follow is FollowFor for nobody.
func (r *Run) Follow(off, stop, ahead int64) (*Follower, bool) {
	return r.FollowFor(nil, off, stop, ahead)
}

func follow(t *testing.T, r *Run, off, stop, ahead int64) *Follower {
	t.Helper()
	f, ok := r.Follow(off, stop, ahead)
	if !ok {
		t.Fatalf("the run, at %+v, can't be followed at %d", r.Span(), off)
	}
	t.Cleanup(f.Close)
	return f
}

// expect reads from f exactly the bytes [start, end) of content.
func expect(t *testing.T, f *Follower, start, end int64) {
	t.Helper()
	var got []byte
	for int64(len(got)) < end-start {
		b, err := f.Next(t.Context(), nil, nil)
		if err != nil {
			t.Fatalf("at %d: %v", start+int64(len(got)), err)
		}
		got = append(got, b...)
	}
	if !bytes.Equal(got, content(start, end)) {
		t.Fatalf("bytes [%d, %d) are wrong", start, end)
	}
}

func expectEOF(t *testing.T, f *Follower) {
	t.Helper()
	if b, err := f.Next(t.Context(), nil, nil); err != io.EOF {
		t.Fatalf("got %d bytes and %v, want EOF", len(b), err)
	}
}
