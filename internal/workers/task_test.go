package workers

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestRunWaits: what comes by the caller's waiting keeps the function with the caller, until it has
// returned.
func TestRunWaits(t *testing.T) {
	p := New()
	defer p.Close()
	var order []string
	note := func(s string) { order = append(order, s) } // the race detector sees to the goroutines
	p.Run(t.Context(), func(task *Task) {
		note("begins")
		for range 2 {
			if !task.Await(func(context.Context) bool { note("waits"); return true }) ||
				!task.Attached() {
				t.Error("it has been detached")
			}
			note("goes on")
		}
	})
	want := []string{"begins", "waits", "goes on", "waits", "goes on"}
	if len(order) != len(want) {
		t.Fatal(order)
	}
	for i := range want {
		if order[i] != want[i] {
			t.Fatal(order)
		}
	}
	if p.waiting != 0 || len(p.idle) != 1 {
		t.Errorf("%d goroutines and %d coroutines wait for work", p.waiting, len(p.idle))
	}
}

// TestRunLeaves: Run returns when its context ends while it waits, or the function is detached. The
// function goes on, and waits by itself from then on.
func TestRunLeaves(t *testing.T) {
	for name, leave := range map[string]func(*Task) (come bool){
		"the context ends": func(task *Task) bool {
			return task.Await(func(ctx context.Context) bool { <-ctx.Done(); return false })
		},
		"it is detached": func(task *Task) bool { task.Detach(); return false },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New()
				defer p.Close()
				ctx, cancel := context.WithCancel(t.Context())
				left, ended := make(chan bool), make(chan bool)
				go func() {
					p.Run(ctx, func(task *Task) {
						if leave(task) || task.Attached() {
							t.Error("it is still attached")
						}
						if task.Await(func(context.Context) bool { return true }) {
							t.Error("somebody waits for it")
						}
						task.Detach()
						<-left
						close(ended)
					})
					close(left)
				}()
				synctest.Wait()
				cancel()
				<-ended
				synctest.Wait()
				if len(p.idle) != 1 {
					t.Errorf("%d coroutines wait for work", len(p.idle))
				}
			}) // which fails if a goroutine is left
		})
	}
}

// TestTaskIsOver: a context that still has a Task that is over does nothing to the next function.
func TestTaskIsOver(t *testing.T) {
	p := New()
	defer p.Close()
	var old context.Context
	p.Run(t.Context(), func(task *Task) { old = task.Context(t.Context()) })
	p.Run(t.Context(), func(task *Task) {
		TaskOf(old).Detach()
		if TaskOf(old) == task || TaskOf(old).Attached() || !task.Attached() {
			t.Error("the coroutine is the old task's")
		}
	})
	if TaskOf(t.Context()).Attached() || (*Task)(nil).Context(old) != old {
		t.Error("no task is one")
	}
}

// TestRunPanics: a panic comes to who waits, and the pool goes on.
func TestRunPanics(t *testing.T) {
	p := New()
	defer p.Close()
	func() {
		defer func() {
			if recover() != "a defect" {
				t.Error("the caller doesn't see it")
			}
		}()
		p.Run(t.Context(), func(*Task) { panic("a defect") })
	}()
	ran := false
	p.Run(t.Context(), func(*Task) { ran = true })
	if !ran {
		t.Error("nothing runs any more")
	}
}

// TestCloseDuringRun: a function that runs when the pool is closed ends as any other, and leaves no
// goroutine.
func TestCloseDuringRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New()
		p.Run(t.Context(), func(*Task) { p.Close() })
		p.Run(t.Context(), func(task *Task) { task.Detach() })
	})
}

func BenchmarkRun(b *testing.B) {
	p := New()
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		p.Run(b.Context(), func(*Task) { _ = deep(40) })
	}
}

// TestSuspend: a function that is suspended goes on when it is resumed, in the place of whoever
// does that, and waits there. Once it is released, it has a goroutine of its own.
func TestSuspend(t *testing.T) {
	for name, release := range map[string]func(task *Task, resume func(between func()) bool){
		"suspended": func(task *Task, _ func(func()) bool) { task.Release() },
		"before a wait": func(task *Task, resume func(between func()) bool) {
			if resume(task.Release) {
				t.Error("it is suspended after its release")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := New()
			defer p.Close()
			var steps int // the race detector sees to the goroutines
			ended := make(chan bool)
			wait := func(context.Context) bool { steps++; return true }
			task := p.Run(t.Context(), func(task *Task) {
				defer close(ended)
				for range 3 {
					steps++
					task.Suspend()
				}
				if !task.Await(wait) {
					t.Error("nobody waits for it")
				}
				task.Suspend()
				if task.Await(wait) || task.Attached() {
					t.Error("it is attached")
				}
				task.Suspend() // returns at once
			})
			resume := func(between func()) bool { return task.Resume(t.Context(), between) }
			for want := 1; want <= 3; want++ {
				if task == nil || steps != want {
					t.Fatalf("after %d steps, %v", steps, task)
				}
				if !resume(func() {}) {
					t.Fatal("it isn't suspended")
				}
			}
			if steps != 4 {
				t.Errorf("%d steps", steps)
			}
			release(task, resume)
			<-ended
		})
	}
}

// TestResumePanics: a coroutine that a panic has ended, in a function that was suspended, isn't
// used again.
func TestResumePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New()
		defer p.Close()
		task := p.Run(t.Context(), func(task *Task) {
			task.Suspend()
			panic("a defect")
		})
		func() {
			defer func() {
				if recover() != "a defect" {
					t.Error("who resumes it doesn't see it")
				}
				task.Release() // as whoever holds it does in the end
			}()
			task.Resume(t.Context(), func() {})
		}()
		synctest.Wait()
		ran := false
		if p.Run(t.Context(), func(*Task) { ran = true }); !ran {
			t.Error("nothing runs any more")
		}
	})
}
