package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/top"
)

type topCmd struct {
	Once bool         `help:"Print the screen once, and end."`
	N    config.Count `short:"n" name:"count" placeholder:"N" help:"End after N seconds."`

	adminNode `embed:""`
}

// Run shows what a node does, until it is told to stop. On a terminal, it is a screen that is drawn
// each second; elsewhere it is a line each second.
func (c *topCmd) Run(ctx context.Context, p process) error {
	address, token, err := c.find(p)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	updates := make(chan topUpdate)
	source := topSource{address: address, token: token, updates: updates, silence: topSilence}
	ended := make(chan error, 1)
	go func() { ended <- source.follow(ctx) }()
	w := topWatch{View: top.View{Node: address}, updates: updates, ended: ended, n: int(c.N)}
	switch screen := newScreen(p); {
	case c.Once:
		w.n, w.show = 2, func() error { return nil } // two, between which there are rates
		if err = w.run(ctx); err == nil && ctx.Err() == nil {
			_, err = fmt.Fprintln(p.stdout, strings.Join(w.Screen(80, 0, false), "\n"))
		}
	case screen != nil:
		err = screen.run(ctx, &w)
	default:
		w.show = func() error {
			_, err := fmt.Fprintln(p.stdout, w.Line())
			return err
		}
		err = w.run(ctx)
	}
	cancel()
	return err
}

// topWatch shows a View as it changes.
type topWatch struct {
	top.View
	updates <-chan topUpdate
	ended   <-chan error     // gets why there are no more updates
	resized <-chan os.Signal // what is shown is to be shown again; may be nil
	n       int              // updates of the node until the end; 0 for any number
	show    func() error
}

// run runs until ctx is done, which is no error, or until there are no more updates.
func (w *topWatch) run(ctx context.Context) error {
	for i := 0; w.n == 0 || i < w.n; {
		select {
		case u := <-w.updates:
			if u.lost != nil {
				w.Lost = u.lost.Error()
			} else {
				w.Take(u.stats, u.peers)
				i++
			}
		case <-w.resized:
		case err := <-w.ended:
			return err
		case <-ctx.Done():
			return nil
		}
		if err := w.show(); err != nil {
			return err
		}
	}
	return nil
}

// topUpdate is what a node has told, or why it tells no more.
type topUpdate struct {
	stats *admin.Stats
	peers admin.Peers
	lost  error
}

// topSource asks the admin listener of a node.
type topSource struct {
	address string
	token   []byte
	updates chan<- topUpdate
	silence time.Duration // after so much of it, the node is taken for lost
	met     bool          // it has told something
}

const (
	topSilence = 5 * time.Second // of a node that tells something each second
	topAgain   = time.Second     // between two tries to reach it
)

var (
	errSilence = errors.New("the node is silent")
	errStopped = errors.New("the node has stopped")
)

// follow sends updates until ctx is done. If the node is lost, it is asked again; but an error ends
// it of a node that has never told anything, or that refuses.
func (s *topSource) follow(ctx context.Context) error {
	for {
		err := s.stream(ctx)
		var refused usageError
		switch {
		case ctx.Err() != nil:
			return nil
		case !s.met || errors.As(err, &refused):
			return err
		}
		if s.send(ctx, topUpdate{lost: err}) != nil {
			return nil
		}
		select {
		case <-time.After(topAgain):
		case <-ctx.Done():
			return nil
		}
	}
}

// stream sends updates until the events of the node end, and returns why they do.
func (s *topSource) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(s.silence, func() { cancel(errSilence) })
	defer silence.Stop()
	res, err := s.open(ctx, "/events")
	if err != nil {
		return reason(ctx, err)
	}
	defer res.Body.Close()
	err = top.Events(res.Body, func(stats *admin.Stats) error {
		silence.Reset(s.silence)
		return s.update(ctx, stats)
	})
	return reason(ctx, cmp.Or(err, errStopped))
}

// reason is why ctx has ended, if it has, instead of err.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// update sends what the node tells, and what it knows of the others.
func (s *topSource) update(ctx context.Context, stats *admin.Stats) error {
	u := topUpdate{stats: stats}
	if stats.Cluster.RingNodes > 0 {
		res, err := s.open(ctx, "/peers")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		body := io.LimitReader(res.Body, maxAnswer)
		if err := json.NewDecoder(body).Decode(&u.peers); err != nil {
			return fmt.Errorf("what it knows of other nodes can't be read: %w", err)
		}
		slices.SortFunc(u.peers.Peers, func(a, b admin.Peer) int {
			return strings.Compare(a.Name, b.Name)
		})
	}
	s.met = true
	return s.send(ctx, u)
}

func (s *topSource) send(ctx context.Context, u topUpdate) error {
	select {
	case s.updates <- u:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// open asks for a path, which is answered with 200.
func (s *topSource) open(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return nil, err
	}
	req.Host = "localhost" // for which the listener answers, whatever name it is reached by
	res, err := openAdmin(req, s.token)
	switch {
	case err != nil && s.met:
		return nil, fmt.Errorf("no answer: %w", err)
	case err != nil:
		return nil, noAnswer(s.address, err)
	case res.StatusCode == http.StatusOK:
		return res, nil
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusServiceUnavailable {
		return nil, errors.New("the node is draining")
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return nil, rejected(s.address, res, body)
}
