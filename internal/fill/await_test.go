package fill

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestAwait: the wait for the first bytes ends when they come, when the run fails, when time is up,
// and when the context ends.
func TestAwait(t *testing.T) {
	cut, gone := errors.New("cut"), errors.New("gone")
	for name, test := range map[string]struct {
		act  func(s *script)
		come bool
		err  error
		took time.Duration
	}{
		"bytes":   {act: func(s *script) { s.send <- content(0, 3) }, come: true},
		"failure": {act: func(s *script) { s.fail <- cut }, err: cut},
		"silence": {act: func(*script) {}, took: HeadWait},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(t.Context())
				r, rec := start(t, setup{End: 100, Body: s})
				f := follow(t, r, 0, 100, Everything)
				go test.act(s)
				began := time.Now()
				come, err := f.Await(t.Context(), HeadWait)
				if come != test.come || !errors.Is(err, test.err) ||
					time.Since(began) != test.took {
					t.Errorf("%v, %v after %v", come, err, time.Since(began))
				}
				again, _ := f.Await(t.Context(), HeadWait)
				if again != come {
					t.Errorf("it takes the bytes along: %v, then %v", come, again)
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				if cancel(gone); name == "silence" {
					if _, err := f.Await(ctx, HeadWait); !errors.Is(err, gone) {
						t.Errorf("who has gone waits: %v", err)
					}
				}
				f.Close()
				r.cancel()
				<-rec.done
			})
		})
	}
}
