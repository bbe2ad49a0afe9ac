package workers

import (
	"context"
	"iter"
	"sync/atomic"
)

// Task is a function that Run runs in its caller's place. While it is attached to its caller, no
// other goroutine is woken for it: that costs more than a small file. A nil Task is a function with
// a goroutine of its own. Its methods are for that function, but for Resume and Release.
type Task struct {
	pool     *Pool
	co       *coroutine
	attached atomic.Bool // it runs in its caller's place, or is suspended
}

// Wait is what a Task waits for: it waits until that has come, which it reports, or until ctx ends.
type Wait func(ctx context.Context) (come bool)

// Attached reports whether t is attached to the caller of Run.
func (t *Task) Attached() bool { return t != nil && t.attached.Load() }

// Await has the caller of Run wait for what t waits for. It reports whether that has come. If it
// hasn't, t goes on in a goroutine of its own, and has to wait by itself.
func (t *Task) Await(wait Wait) (come bool) {
	if !t.Attached() {
		return false
	}
	t.co.wait = wait
	t.co.yield(struct{}{})
	return t.Attached()
}

// Detach has t go on in a goroutine of its own, since it is about to wait for something else, or
// to do what its caller needn't wait for.
func (t *Task) Detach() { t.Await(nil) }

// Suspend has Run, or Resume, return: the caller has something else to do, and then resumes t.
// It returns when it does, or when t is detached; at once if t is detached already.
func (t *Task) Suspend() {
	if t.Attached() {
		t.co.suspended = true
		t.co.yield(struct{}{})
	}
}

// Resume has t, which is suspended, go on in the caller's place, and waits with it as Run does.
// Each time before it waits it calls between. It reports whether t is suspended once more.
func (t *Task) Resume(ctx context.Context, between func()) (suspended bool) {
	for c := t.co; ; {
		if !t.goOn() {
			return false
		}
		wait := c.wait
		switch {
		case c.run == nil:
			t.attached.Store(false)
			t.pool.put(c)
			return false
		case c.suspended:
			c.suspended = false
			return true
		case wait != nil:
			c.wait = nil
			between()
			if !t.Attached() { // between has released it
				return false
			}
			if wait(ctx) {
				continue
			}
		}
		t.Release()
		return false
	}
}

// Release detaches t, which isn't running: it is suspended, or Resume has called between.
func (t *Task) Release() {
	t.attached.Store(false)
	t.pool.Go(func() {
		if t.goOn() {
			t.pool.put(t.co)
		}
	})
}

// goOn resumes t's coroutine. It reports whether that can be resumed again: a panic has ended it.
func (t *Task) goOn() bool {
	_, lives := t.co.resume()
	if !lives {
		t.attached.Store(false)
	}
	return lives
}

type taskKey struct{}

// Context is a copy of ctx that t is to be found in.
func (t *Task) Context(ctx context.Context) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, taskKey{}, t)
}

// TaskOf is the Task that ctx has, or nil.
func TaskOf(ctx context.Context) *Task {
	t, _ := ctx.Value(taskKey{}).(*Task)
	return t
}

// coroutine runs one function after the other. One goroutine at a time, any one, resumes it.
type coroutine struct {
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool

	run       func() // what is to be run; nil once that has returned
	wait      Wait   // what it waits for
	suspended bool   // it waits to be resumed
}

func newCoroutine() *coroutine {
	c := new(coroutine)
	c.resume, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		for {
			c.run()
			if c.run = nil; !yield(struct{}{}) {
				return
			}
		}
	})
	return c
}

// Run runs f, and waits with it until f has returned, is suspended, or is detached: because it says
// so, or because ctx has ended while it waited. Then f goes on in a goroutine of its own. Run
// returns nil unless f is suspended: then the caller must resume the Task until it isn't any more,
// or release it.
func (p *Pool) Run(ctx context.Context, f func(*Task)) (suspended *Task) {
	t := &Task{pool: p, co: p.take()}
	t.attached.Store(true)
	t.co.run = func() { f(t) }
	if t.Resume(ctx, func() {}) {
		return t
	}
	return nil
}

// take returns a coroutine that is to run something.
func (p *Pool) take() *coroutine {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return newCoroutine()
	}
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c
}

// put keeps c for take, unless there are enough.
func (p *Pool) put(c *coroutine) {
	p.mu.Lock()
	kept := !p.closed && len(p.idle) < most
	if kept {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !kept {
		c.stop()
	}
}
