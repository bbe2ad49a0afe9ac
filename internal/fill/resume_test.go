package fill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestLostConnectionIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newScript(t.Context()), newScript(t.Context())
		opened := []int64{}
		r, rec := start(t, setup{End: 40, Body: first, Hold: 1 << 10, Open: func(_ context.Context,
			off, end int64) (Opened, error) {
			opened = append(opened, off, end)
			if len(opened) == 2 {
				return Opened{}, errors.New("refused") // then again, after a pause
			}
			return Opened{second, Everything, 40}, nil
		}})
		f := follow(t, r, 0, 40, Everything)
		first.send <- content(0, 5)
		first.fail <- io.ErrUnexpectedEOF
		<-first.closed
		second.send <- content(5, 40)
		expect(t, f, 0, 40)
		<-rec.done
		if rec.err != nil || fmt.Sprint(opened) != "[5 40 5 40]" {
			t.Errorf("opened %v, ended with %v", opened, rec.err)
		}
	})
}

// TestResumeTellsTheLength: once a length is known, a part that ends early isn't the end.
func TestResumeTellsTheLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies := []*script{newScript(t.Context()), newScript(t.Context()), newScript(t.Context())}
		opened := 0
		r, rec := start(t, setup{End: -1, Body: bodies[0], Hold: 1 << 10,
			Open: func(context.Context, int64, int64) (Opened, error) {
				opened++
				return Opened{bodies[opened], Everything, 30}, nil
			}})
		f := follow(t, r, 0, Everything, Everything)
		bodies[0].send <- content(0, 18)
		bodies[0].fail <- io.ErrUnexpectedEOF
		bodies[1].send <- content(18, 25)
		bodies[1].fail <- io.EOF
		bodies[2].send <- content(25, 40) // more than there is
		expect(t, f, 0, 30)
		expectEOF(t, f)
		<-rec.done
		if rec.err != nil || rec.end != 30 || fmt.Sprint(rec.chunks) != "[0+4 4+4 8+8 16+14]" {
			t.Errorf("ended at %d with %v; pushed %v", rec.end, rec.err, rec.chunks)
		}
	})
}

func TestResumeEndsWhenTheRestIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		opens := 0
		r, rec := start(t, setup{End: 40, Body: body, Hold: 1 << 10, Open: func(context.Context,
			int64, int64) (Opened, error) {
			opens++
			return Opened{}, fmt.Errorf("etag differs: %w", ErrGone)
		}})
		f := follow(t, r, 0, 40, Everything)
		body.fail <- io.ErrUnexpectedEOF
		if _, err := f.Next(t.Context(), nil, nil); !errors.Is(err, ErrGone) {
			t.Errorf("follower got %v", err)
		}
		<-rec.done
		if opens != 1 {
			t.Errorf("%d attempts for what is gone", opens)
		}
	})
}

func TestEndlessLossEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opens := 0
		_, rec := start(t, setup{End: 40, Hold: 1 << 10, Open: func(ctx context.Context, _,
			_ int64) (Opened, error) {
			opens++
			body := newScript(ctx)
			go func() { body.fail <- io.ErrUnexpectedEOF }()
			return Opened{body, Everything, 40}, nil
		}})
		<-rec.done
		if rec.err == nil || opens > 2*resumes {
			t.Errorf("%d opens, %v", opens, rec.err)
		}
	})
}

func TestOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan error)
		opener := func(ctx context.Context, _, _ int64) (Opened, error) {
			if err := <-release; err != nil {
				return Opened{}, err
			}
			return Opened{newScript(ctx), Everything, 40}, nil
		}
		r, _ := start(t, setup{End: 40, Hold: 1 << 10, Open: opener})
		f := follow(t, r, 0, 40, Everything)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.Opened(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("not yet open: %v", err)
		}
		release <- nil
		if err := f.Opened(t.Context()); err != nil {
			t.Errorf("open: %v", err)
		}
		gone, _ := start(t, setup{End: 40, Hold: 1 << 10, Open: opener})
		f = follow(t, gone, 0, 40, Everything)
		release <- ErrGone
		if err := f.Opened(t.Context()); !errors.Is(err, ErrGone) {
			t.Errorf("gone: %v", err)
		}
	})
}

// TestUnbegun: who has sent nothing yet is told at once that the body can't be opened. The run goes
// on trying for those that have, and for nobody else.
func TestUnbegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := newScript(t.Context())
		release := make(chan error)
		opens := 0
		opener := func(context.Context, int64, int64) (Opened, error) {
			opens++
			return Opened{body, Everything, 40}, <-release
		}
		failure := errors.New("refused")
		waits := Wanted{Off: 0, Stop: 40, Unbegun: true}
		r, rec := start(t, setup{End: 40, Hold: 1 << 10, Open: opener})
		waiting, begun := r.Follow(waits), follow(t, r, 0, 40, Everything)
		release <- failure
		if err := waiting.Opened(t.Context()); err != failure {
			t.Errorf("unbegun: %v", err)
		}
		waiting.Close()
		release <- failure // after a pause
		release <- nil
		body.send <- content(0, 40)
		expect(t, begun, 0, 40)
		<-rec.done
		if rec.err != nil || opens != 3 {
			t.Errorf("%d opens, %v", opens, rec.err)
		}

		opens = 0
		r, rec = start(t, setup{End: 40, Hold: 1 << 10, Open: opener})
		waiting = r.Follow(waits)
		release <- failure
		<-rec.done
		if err := waiting.Opened(t.Context()); err != failure || rec.err != failure || opens != 1 {
			t.Errorf("on its own: %v, %v after %d opens", err, rec.err, opens)
		}
	})
}
