package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what surely comes.
const patience = 30 * time.Second

// source is what all kinds have in common.
type source interface {
	Watch(ctx context.Context, set func(nodes []string)) error
}

// watcher notes the lists that a Watch tells.
type watcher struct {
	t      *testing.T
	lists  chan []string
	cancel context.CancelFunc
	done   chan error
}

func watch(t *testing.T, m source) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watcher{t: t, lists: make(chan []string, 1000), cancel: cancel, done: make(chan error, 1)}
	go func() {
		w.done <- m.Watch(ctx, func(nodes []string) {
			w.lists <- slices.Clone(nodes)
			for i := range nodes { // set keeps the slice, and may do with it what it likes
				nodes[i] = "scribbled"
			}
		})
	}()
	return w
}

// next is the next list.
func (w *watcher) next() []string {
	w.t.Helper()
	select {
	case nodes := <-w.lists:
		return nodes
	case err := <-w.done:
		w.t.Fatalf("Watch ended with %v", err)
	case <-time.After(patience):
		w.t.Fatal("no list came")
	}
	return nil
}

// want expects the next list to be nodes.
func (w *watcher) want(nodes ...string) {
	w.t.Helper()
	if got := w.next(); !slices.Equal(got, nodes) {
		w.t.Fatalf("got %q, want %q", got, nodes)
	}
}

// until skips lists up to the one that has just nodes.
func (w *watcher) until(nodes ...string) {
	w.t.Helper()
	slices.Sort(nodes)
	var seen []string
	for deadline := time.After(patience); ; {
		select {
		case got := <-w.lists:
			if slices.Equal(got, nodes) {
				return
			}
			seen = append(seen, strings.Join(got, " "))
		case <-deadline:
			w.t.Fatalf("%q didn't come, but %q", nodes, seen)
		}
	}
}

// end ends the Watch, which must not have failed nor told more.
func (w *watcher) end() {
	w.t.Helper()
	w.cancel()
	if err := w.wait(); err != nil {
		w.t.Fatalf("Watch: %v", err)
	}
	if len(w.lists) > 0 {
		w.t.Fatalf("one list too many: %q", <-w.lists)
	}
}

// wait waits for the Watch to return.
func (w *watcher) wait() error {
	w.t.Helper()
	select {
	case err := <-w.done:
		return err
	case <-time.After(patience):
		w.t.Fatal("Watch didn't return")
		return nil
	}
}

// problemIn returns the problem that a line of the log is about, or nil.
func problemIn(line []byte) error {
	var problem struct{ Error string }
	if json.Unmarshal(line, &problem) != nil || problem.Error == "" {
		return nil
	}
	return errors.New(problem.Error)
}

// problemLog takes the lines of a log, and passes on the problems.
type problemLog chan error

func (l problemLog) Write(line []byte) (int, error) {
	l <- problemIn(line)
	return len(line), nil
}

// wantError expects err to say all of the parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}
