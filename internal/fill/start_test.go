package fill

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"
)

// TestRead: when it returns, all has been pushed, and the follower gets it.
func TestRead(t *testing.T) {
	rec := &record{done: make(chan struct{})}
	body := io.NopCloser(bytes.NewReader(content(0, 3)))
	r := New(setup{End: 3, Body: body, Hold: 1 << 10}.config(rec))
	f := follow(t, r, 0, Everything, Everything)
	ctx, cancel := context.WithCancel(t.Context())
	r.Read(ctx, cancel, true)
	select {
	case <-rec.done:
	default:
		t.Error("the run isn't done")
	}
	if rec.err != nil || rec.end != 3 || !slices.Equal(rec.chunks, []string{"0+3"}) {
		t.Errorf("%v were pushed, and it ended at %d with %v", rec.chunks, rec.end, rec.err)
	}
	expect(t, f, 0, 3)
	expectEOF(t, f)
	if ctx.Err() == nil {
		t.Error("the context hasn't ended")
	}
}

// TestAbandonedBeforeItBegins: a run whose follower has left before Start ends at once.
func TestAbandonedBeforeItBegins(t *testing.T) {
	rec := &record{done: make(chan struct{})}
	body := newScript(t.Context())
	r := New(setup{End: -1, Body: body, Alone: time.Minute}.config(rec))
	follow(t, r, 0, Everything, Everything).Close()
	ctx, cancel := context.WithCancel(t.Context())
	body.ctx = ctx
	r.Start(ctx, cancel)
	<-rec.done
	if !errors.Is(rec.err, ErrAbandoned) {
		t.Errorf("it ended with %v", rec.err)
	}
}
