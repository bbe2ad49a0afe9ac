package store

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/scurrycache/scurry/internal/fill"
)

// Ask is a client's question.
type Ask struct {
	Key    string
	Header http.Header // the client's end-to-end fields; not to be changed
	Proto  string      // the protocol of the client's request, as in "HTTP/1.1"
	ID     string      // of the client's request, for the log
	Whole  bool        // the client wants the content from its first byte to its last
	Alone  bool        // no one else's answer will do
}

// Answer is what Fetch found. It must be closed.
type Answer struct {
	Record    *Record
	Collapsed bool      // another client's question was answered
	Renewed   bool      // the origin said that the stored response is still good
	Status    int       // of the origin's answer to this very question; 0 if it was asked for another
	Body      fill.Body // of a response that isn't stored, for the one who asked only

	follower *fill.Follower // at the body's first byte
}

// Close lets go of what the answer holds. A Reader made from it has taken its share.
func (a *Answer) Close() {
	if a.Body != nil {
		_ = a.Body.Close()
	}
	if a.follower != nil {
		a.follower.Close()
		a.follower = nil
	}
}

// flight is one question on its way through the records group, which carries it to the getter in its context.
type flight struct {
	context.Context
	ask  *Ask
	prev *Record

	variant string // "" if it wasn't known what selects

	mu     sync.Mutex
	answer *Answer // set by the getter, if it was this flight's that ran
	left   bool    // the one who asked has gone
}

type flightKey struct{}

func (f *flight) Value(key any) any {
	if key == (flightKey{}) {
		return f
	}
	return f.Context.Value(key)
}

// settle notes the answer, or closes it if nobody is there to take it.
func (f *flight) settle(a *Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left {
		a.Close()
		return
	}
	f.answer = a
}

// leave gives up waiting.
func (f *flight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = true
	if f.answer != nil {
		f.answer.Close()
	}
}

// Fetch brings a record from the origin that is newer than prev, which is nil or the stored response that the caller
// found wanting. Concurrent questions for the same variant share one origin request. The question goes on if ctx
// ends: others may wait for it. The record may say Pass; then Body is set for the one whose question it was.
func (s *Store) Fetch(ctx context.Context, ask *Ask, prev *Record) (*Answer, error) {
	variant := s.variantNow(ask)
	for {
		a, err := s.fly(ctx, ask, prev, variant)
		if errors.Is(err, errVariantKnown) {
			variant = s.variantNow(ask)
			continue
		}
		if err != nil || !a.Collapsed || s.selects(a.Record, ask.Header) {
			return a, err
		}
		own := s.variant(a.Record, ask.Header)
		if own == variant { // an origin whose Vary is another each time
			alone := *ask
			alone.Alone = true
			return s.fly(ctx, &alone, nil, own)
		}
		variant, prev = own, nil // the answer is another variant's: ask for our own
	}
}

// errVariantKnown ends a flight that took off before it was known what selects a variant, and got to the getter after:
// the question for the variant at hand may already be under way in a flight of its own.
var errVariantKnown = errors.New("it is known by now what selects")

func (s *Store) variantNow(ask *Ask) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.variantLocked(ask.Key, ask.Header)
}

// fly asks the records group, off the caller's goroutine, so that no one's context but the store's ends the flight.
func (s *Store) fly(ctx context.Context, ask *Ask, prev *Record, variant string) (*Answer, error) {
	f := &flight{Context: s.base, ask: ask, prev: prev, variant: variant}
	s.mu.Lock()
	ok := s.beginLocked()
	key := s.flightKey(ask, s.generations.of(ask.Key), variant)
	s.mu.Unlock()
	if !ok {
		return nil, context.Canceled
	}
	type landing struct {
		encoded []byte
		err     error
	}
	landed := make(chan landing, 1)
	go func() {
		defer s.work.Done()
		b, err := s.records.Get(f, key)
		landed <- landing{b, err}
	}()
	select {
	case l := <-landed:
		switch {
		case l.err != nil:
			return nil, l.err
		case f.answer != nil:
			return f.answer, nil
		}
		return s.shared(ask, l.encoded)
	case <-ctx.Done():
		f.leave()
		return nil, context.Cause(ctx)
	}
}

// shared makes the answer for one whose question another's flight answered.
func (s *Store) shared(ask *Ask, encoded []byte) (*Answer, error) {
	rec, err := decode(encoded, s.cfg.Now())
	if err != nil {
		return nil, err
	}
	rec.Key = ask.Key
	rec.place = s.place(rec.Key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.currentLocked(rec); now != nil {
		rec = now
	} else {
		rec.Prepared = s.cfg.Source.Prepare(rec)
	}
	return &Answer{Record: rec, Collapsed: true}, nil
}
