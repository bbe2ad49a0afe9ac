package fill

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"
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
	return &script{ctx: ctx, send: make(chan []byte), fail: make(chan error),
		closed: make(chan struct{})}
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

// setup is a run's Config and what its Content and its Room do. Where it says nothing, they do what
// lets the run be.
type setup struct {
	Start, End, Want int64
	Body             Body
	Open             func(ctx context.Context, off, end int64) (Opened, error)
	Extend           func(ctx context.Context, end int64) int64
	Margin, Most     int64
	Alone, Brief     time.Duration
	Awaited          bool
	Transient        func() bool
	Lends            func() bool
	Idle             func() time.Duration
	Hold             int64
	Pinned           bool
	Free             int64
	Ahead            func() int64
	Reserve          func(n int64) bool
	Release          func(n int64)
	Overflow         func()
	Spare            func(ctx context.Context, size int64) bool
	Take             func(ctx context.Context, held, size int64) error
	Give             func(held, keep int64)
}

// hooks are a setup's Content and Room.
type hooks struct {
	setup
	*record
}

func (h *hooks) Next(off int64) int64      { return next(off) }
func (h *hooks) Part(off int64) int64      { return next(off) }
func (h *hooks) Push(off int64, b []byte)  { h.push(off, b) }
func (h *hooks) Done(end int64, err error) { h.finished(end, err) }
func (h *hooks) Stops(int64) bool          { return false }
func (h *hooks) Hold() int64               { return h.setup.Hold }
func (h *hooks) Transient() bool {
	return h.setup.Transient != nil &&
		h.setup.Transient()
}
func (h *hooks) Lends() bool          { return h.setup.Lends != nil && h.setup.Lends() }
func (h *hooks) Idle() time.Duration  { return h.setup.Idle() }
func (h *hooks) Reserve(n int64) bool { return h.setup.Reserve == nil || h.setup.Reserve(n) }

func (h *hooks) Open(ctx context.Context, off, end int64) (Opened, error) {
	return h.setup.Open(ctx, off, end)
}

func (h *hooks) Extend(ctx context.Context, end int64) int64 { return h.setup.Extend(ctx, end) }

func (h *hooks) Ahead() int64 {
	if h.setup.Ahead == nil {
		return Everything
	}
	return h.setup.Ahead()
}

func (h *hooks) Release(n int64) {
	if h.setup.Release != nil {
		h.setup.Release(n)
	}
}

func (h *hooks) Overflow() {
	if h.setup.Overflow != nil {
		h.setup.Overflow()
	}
}

func (h *hooks) Spare(ctx context.Context, size int64) bool { return h.setup.Spare(ctx, size) }

func (h *hooks) Take(ctx context.Context, held, size int64) error {
	return h.setup.Take(ctx, held, size)
}

func (h *hooks) Give(held, keep int64) {
	if h.setup.Give != nil {
		h.setup.Give(held, keep)
	}
}

// config is a Config that does as s says and tells rec.
func (s setup) config(rec *record) Config {
	h := &hooks{s, rec}
	cfg := Config{
		Start: s.Start, End: s.End, Want: s.Want, Body: s.Body, Content: h, Resumes: s.Open != nil,
		Margin: s.Margin, Most: s.Most, Alone: s.Alone, Brief: s.Brief, Awaited: s.Awaited,
		Pinned: s.Pinned, Free: s.Free,
	}
	if s.Want == 0 {
		cfg.Want = Everything
	}
	if s.Spare != nil {
		cfg.Room = h
	}
	return cfg
}

func start(t *testing.T, cfg setup) (*Run, *record) {
	t.Helper()
	r, rec, begin := prepare(t, cfg)
	begin()
	return r, rec
}

// prepare makes a run for followers that are to be there before it reads; begin starts it.
func prepare(t *testing.T, cfg setup) (r *Run, rec *record, begin func()) {
	t.Helper()
	rec = &record{done: make(chan struct{})}
	r = New(cfg.config(rec))
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	if body, ok := cfg.Body.(*script); ok {
		body.ctx = ctx // as an origin's body ends with the context of its request
	}
	return r, rec, func() { r.Start(ctx, cancel) }
}

func follow(t *testing.T, r *Run, off, stop, ahead int64) *Follower {
	t.Helper()
	f := r.Follow(Wanted{Off: off, Stop: stop, Ahead: ahead})
	if f == nil {
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
