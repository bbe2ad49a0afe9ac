package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

// stalled is a body that stalls after its first bytes until ctx ends or it is let go on.
type stalled struct {
	ctx   context.Context
	first *strings.Reader
	goOn  <-chan struct{}
	rest  *strings.Reader
}

func (b *stalled) Read(p []byte) (int, error) {
	if b.first.Len() > 0 {
		return b.first.Read(p)
	}
	select {
	case <-b.goOn:
		return b.rest.Read(p)
	case <-b.ctx.Done():
		return 0, context.Cause(b.ctx)
	}
}

func (*stalled) Close() error { return nil }

// crowded is a source whose bodies of keys that begin with "stalled" stall in a large chunk until
// room is closed, and whose answer for any other key waits for head, if that isn't nil.
type crowded struct {
	room, head chan struct{}
}

func (c *crowded) fetch(ctx context.Context, req *Request) *OriginResponse {
	// a byte less than where a chunk ends: no more room than that is given back
	const size, at = 40 << 10, 16<<10 - 1
	if c.head != nil && !strings.HasPrefix(req.Key, "stalled") {
		<-c.head
	}
	f := answer(size, &stalled{ctx, strings.NewReader(content(0, at)), c.room,
		strings.NewReader(content(at, size))})
	f.Record.Rangeable, f.Record.Resumable, f.Validator = true, true, req.Key
	switch req.Key {
	case "small":
		f.Record.Length, f.Body = 100, text(content(0, 100))
	case "streamed":
		f.Record.Length, f.Record.Rangeable, f.Record.Resumable, f.Validator = 1<<20, false, false,
			""
	case "unstored":
		f.Storable = false
	}
	return f
}

// crowd has fills take all the room.
func crowd(t *testing.T, c *crowded) *Store {
	t.Helper()
	c.room = make(chan struct{})
	s := open(t, &scripted{fetch: c.fetch, open: func(off, end int64) fill.Body {
		return text(content(off, end))
	}, length: 40 << 10})
	for i := 0; ; i++ {
		res, err := s.Fetch(t.Context(), &Request{Key: fmt.Sprint("stalled", i), Whole: true,
			Background: true, ForPeer: true}, nil)
		if errors.Is(err, ErrBusy) {
			return s
		}
		if err != nil || i > 5000 {
			t.Fatal(i, err)
		}
		t.Cleanup(res.Close) // till then the fill is followed, and goes on
		synctest.Wait()
	}
}

// came is what has come of a request, and after what time.
type came struct {
	res   *Result
	err   error
	after time.Duration
}

func ask(t *testing.T, s *Store, req Request, prev *Record) <-chan came {
	done, began := make(chan came, 1), time.Now()
	go func() {
		res, err := s.Fetch(t.Context(), &req, prev)
		if err == nil {
			res.Close()
		}
		done <- came{res, err, time.Since(began)}
	}()
	synctest.Wait()
	return done
}

// TestPeersAreRefusedWhereThereIsNoRoom: at once, whichever node has begun the flight that their
// question joins, and whenever, while clients wait for room for some time.
func TestPeersAreRefusedWhereThereIsNoRoom(t *testing.T) {
	client, peer := Request{Key: "k", Whole: true}, Request{Key: "k", Whole: true, ForPeer: true}
	for name, order := range map[string][]Request{
		"a client begins": {client, peer, client, peer}, "a peer begins": {peer, client, peer,
			client}, "peers only": {peer, peer},
	} {
		for _, roomAfter := range []time.Duration{0, waitRoom / 2} {
			t.Run(fmt.Sprint(name, ", room after ", roomAfter), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					src := &crowded{}
					s := crowd(t, src)
					src.head = make(chan struct{})
					var waiting []<-chan came
					for _, req := range order {
						waiting = append(waiting, ask(t, s, req, nil))
					}
					close(src.head)
					if roomAfter > 0 {
						time.AfterFunc(roomAfter, func() { close(src.room) })
					}
					for i, done := range append(waiting, ask(t, s, peer, nil)) {
						got := <-done
						failure, _ := errors.AsType[*Failure](got.err)
						switch {
						case i == len(order) || order[i].ForPeer:
							if !errors.Is(got.err, ErrBusy) || got.after > 0 {
								t.Errorf("peer %d: %v after %v", i, got.err, got.after)
							}
						case roomAfter > 0:
							if got.err != nil || got.after != roomAfter ||
								got.res.Record.Status != 200 {
								t.Errorf("client %d: %v after %v", i, got.err, got.after)
							}
						case failure == nil || failure.Status != http.StatusServiceUnavailable ||
							got.after != waitRoom:
							t.Errorf("client %d: %v after %v", i, got.err, got.after)
						}
					}
					if synctest.Wait(); len(s.audiences.byKey) > 0 {
						t.Errorf("%d flights are still waited for", len(s.audiences.byKey))
					}
				})
			})
		}
	}
}

// TestWhatNeedsNoRoomIsAnswered although there is none: what has no body, a small one, or one that
// isn't kept.
func TestWhatNeedsNoRoomIsAnswered(t *testing.T) {
	for name, req := range map[string]Request{
		"a HEAD": {Key: "k", Head: true}, "a small file": {Key: "small", Whole: true},
		"a file that isn't stored":            {Key: "unstored", Whole: true},
		"a file that is too large to be kept": {Key: "streamed", Whole: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := crowd(t, &crowded{})
				for _, req.ForPeer = range []bool{false, true} {
					if got := <-ask(t, s, req, nil); got.err != nil || got.after > 0 {
						t.Errorf("for a peer %v: %v after %v", req.ForPeer, got.err, got.after)
					}
				}
			})
		})
	}
}

// TestPeersReadsAreRefusedWhereThereIsNoRoom: nor does what a peer reads wait for room, where a
// client's read does.
func TestPeersReadsAreRefusedWhereThereIsNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := crowd(t, &crowded{})
		rec := answer(40<<10, nil).Record
		rec.Key, rec.Version, rec.Rangeable, rec.Resumable = "k", "v", true, true
		for _, peer := range []bool{true, false} {
			var rd Reader
			s.Reader(&rd, &Fields{}, rec, 0, -1)
			if peer {
				rd.localOnly = true
			}
			began := time.Now()
			err := rd.Ready(t.Context())
			switch failure, _ := errors.AsType[*Failure](err); {
			case peer && (!errors.Is(err, ErrBusy) || time.Since(began) > 0):
				t.Errorf("peer: %v after %v", err, time.Since(began))
			case !peer && (failure == nil || failure.Status != http.StatusServiceUnavailable ||
				time.Since(began) != waitRoom):
				t.Errorf("client: %v after %v", err, time.Since(began))
			}
			rd.Close()
		}
	})
}

// TestWhatHasBegunWaitsForRoom, for as long as it takes, and what has come is sent meanwhile.
func TestWhatHasBegunWaitsForRoom(t *testing.T) {
	for _, stays := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			src := &crowded{}
			s := crowd(t, src)
			rec := answer(40<<10, nil).Record
			rec.Key, rec.Version, rec.Rangeable, rec.Resumable = "k", "v", true, true
			rd, began := new(Reader), time.Now()
			var flushed []time.Duration
			s.Reader(rd, &Fields{}, rec, 0, -1)
			defer rd.Close()
			ctx, leave := context.WithCancelCause(t.Context())
			gone := errors.New("gone")
			time.AfterFunc(3*waitRoom, func() {
				if stays {
					close(src.room)
				} else {
					leave(gone)
				}
			})
			b, err := rd.Next(ctx, func() { flushed = append(flushed, time.Since(began)) })
			switch {
			case time.Since(began) != 3*waitRoom || len(flushed) == 0 || flushed[0] > 0:
				t.Errorf("%v after %v, flushed after %v", err, time.Since(began), flushed)
			case stays && (err != nil || len(b) == 0 || string(b) != content(0, int64(len(b)))):
				t.Errorf("%d bytes, %v", len(b), err)
			case !stays && !errors.Is(err, gone):
				t.Errorf("%d bytes, %v", len(b), err)
			}
		})
	}
}

// TestNoRoomForAnotherVersion: what was to be validated rests like after a failure of the origin,
// and a peer isn't told that the origin had failed.
func TestNoRoomForAnotherVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := crowd(t, &crowded{})
		install(s, "k", 200, 40<<10)
		old := find(s, "k", nil)
		if got := <-ask(t, s, Request{Key: "k", Whole: true}, old); !errors.Is(got.err,
			errNoRoom) || got.after != waitRoom {
			t.Fatalf("%v after %v", got.err, got.after)
		}
		if rec := find(s, "k", nil); rec.Version != old.Version || !rec.rests(s.cfg.Now()) {
			t.Errorf("%+v is stored", rec)
		}
		if got := <-ask(t, s, Request{Key: "k", Whole: true, ForPeer: true},
			old); !errors.Is(got.err, ErrBusy) || got.after > 0 {
			t.Errorf("%v after %v", got.err, got.after)
		}
		lookup := &LookupRequest{Request: Request{Key: "k", Whole: true, ForPeer: true},
			Version: old.Version, Revision: old.Revision, Position: s.Position()}
		<-time.After(RetryAfter)
		if res, err := s.lookup(t.Context(), lookup); !errors.Is(err, ErrBusy) {
			t.Errorf("%+v, %v", res, err)
		}
	})
}
