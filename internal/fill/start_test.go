package fill

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/workers"
)

// TestRead: when it returns, all has been pushed, and the follower gets it.
func TestRead(t *testing.T) {
	rec := &record{done: make(chan struct{})}
	body := io.NopCloser(bytes.NewReader(content(0, 3)))
	r := New(setup{End: 3, Body: body, Hold: 1 << 10}.config(rec))
	f := follow(t, r, 0, Everything, Everything)
	ctx, cancel := context.WithCancel(t.Context())
	r.Read(ctx, cancel, nil)
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

// along begins to read body in the place of a follower, which it returns with the record of what
// has been pushed.
func along(t *testing.T, p *workers.Pool, body Body, end int64) (*Run, *Follower, *record) {
	rec := &record{done: make(chan struct{})}
	r := New(setup{End: end, Body: body, Hold: 4 << 20}.config(rec))
	f := follow(t, r, 0, Everything, Everything)
	ctx, cancel := context.WithCancel(t.Context())
	reads := p.Run(t.Context(), func(task *workers.Task) { r.Read(ctx, cancel, task) })
	if reads == nil {
		t.Fatal("it doesn't wait for its follower")
	}
	f.Drive(reads)
	return r, f, rec
}

// TestReadInAFollowersPlace: a body is read when its follower wants more of it, and by nobody else
// until the follower is released, or leaves. The others get what has come, as soon as it has.
func TestReadInAFollowersPlace(t *testing.T) {
	for name, release := range map[string]func(*Follower){
		"to its end":  nil,
		"is released": (*Follower).Release,
		"leaves":      (*Follower).Close,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := workers.New()
				defer p.Close()
				pieces := pieces{content(0, 5), content(5, 9), content(9, 30)}
				r, f, rec := along(t, p, &pieces, 30)
				other := follow(t, r, 0, Everything, Everything)
				expect(t, f, 0, 5)
				expect(t, other, 0, 5)
				if synctest.Wait(); r.Span().Pos != 5 {
					t.Errorf("byte %d has come, which nobody has waited for", r.Span().Pos)
				}
				if release != nil {
					release(f)
				} else {
					expect(t, f, 5, 30)
				}
				expect(t, other, 5, 30)
				<-rec.done
				if rec.err != nil || rec.end != 30 || f.Drives() {
					t.Errorf("it ended at %d with %v", rec.end, rec.err)
				}
			})
		})
	}
}

// pieces is a body that comes in pieces. It doesn't wait.
type pieces [][]byte

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	if (*p)[0] = (*p)[0][n:]; len((*p)[0]) == 0 {
		*p = (*p)[1:]
	}
	return n, nil
}

func (p *pieces) Close() error { return nil }

// TestLargeBodiesAreReadBeside: a large body isn't read in its follower's place, so that both go on
// at the same time.
func TestLargeBodiesAreReadBeside(t *testing.T) {
	p := workers.New()
	defer p.Close()
	rec := &record{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	r := New(setup{End: mostAlong + 1, Body: newScript(ctx)}.config(rec))
	follow(t, r, 0, Everything, Everything)
	if p.Run(ctx, func(task *workers.Task) { r.Read(ctx, cancel, task) }) != nil {
		t.Error("it waits for its follower")
	}
	cancel()
	<-rec.done
}
