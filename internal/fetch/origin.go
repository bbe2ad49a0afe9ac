// Package fetch carries out one exchange with the origin: it builds the request and judges the
// response.
//
//	store.Request ──► fields, conditions ──► origin ──► acceptable? ──► store.OriginResponse
//	                                            │ no answer, or none that can be used
//	                                            └────────────────────► store.Failure
//
// It decides which fields a request has whose response may be stored for others, whether and how
// the response is stored, and which kind of failure it is if there is no response. Each exchange is
// counted, and logged in one line when it has ended. The caller owns the bodies and closes them.
package fetch

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/measure"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
)

// Config is what an Origin is made of. All fields must be set.
type Config struct {
	Site   *site.Site
	Origin http.RoundTripper
	Name   string // of this cache, in Via
	Loop   string // of this cluster, in CDN-Loop
	Now    func() time.Time
	Log    *zerolog.Logger

	// MaxObject is the largest content that is stored, in bytes; 0 for any.
	MaxObject int64

	// Requests is how many requests to the origin there may be at once, 0 for any number, and Queue
	// how many may wait for one of these to end. Others fail with a 503.
	Requests, Queue int

	// Streams reports whether the content of a record is too large to be kept as a whole.
	Streams func(*store.Record) bool
}

// Origin sends a site's requests to its origin. It is a store.Source. Its methods may be called
// concurrently.
type Origin struct {
	Config
	requests, errors, bytes atomic.Int64
	slots                   *slots // nil if there may be any number of requests

	inFlight    atomic.Int64
	took, first measure.Durations

	// when it has last answered and failed to; nil if it never has
	answered atomic.Pointer[time.Time]
	failed   atomic.Pointer[failure]
	recent   recent
}

type failure struct {
	at   time.Time
	text string
}

// New makes an Origin.
func New(c Config) *Origin {
	return &Origin{Config: c, slots: newSlots(c.Requests, c.Queue)}
}

// Counts are the requests to an origin, those that got no usable response or only a part of one,
// the bytes of content received, and the requests that are under way. Waiting is how many requests
// wait now since there are too many. Refused of those weren't sent at all, and Yielded neither,
// since nobody waited for the response. Took is how long requests took until the end of the
// response's body, whatever ended it, and First until its head.
type Counts struct {
	Requests, Errors, Bytes, InFlight int64
	Refused, Yielded, Waiting         int64

	Took, First measure.Distribution
}

// Counts returns the counts since o was made.
func (o *Origin) Counts() Counts {
	c := Counts{
		Requests: o.requests.Load(), Errors: o.errors.Load(), Bytes: o.bytes.Load(),
		InFlight: o.inFlight.Load(), Took: o.took.Read(), First: o.first.Read(),
	}
	if o.slots != nil {
		c.Refused, c.Yielded = o.slots.refused.Load(), o.slots.yielded.Load()
		c.Waiting = o.slots.waiting.Load()
	}
	return c
}

// Seen is when the origin has last answered, whatever it was, and when it has last brought no
// usable response, and why, for operators. A zero time is never.
type Seen struct {
	LastSuccess, LastError time.Time
	Failure                string
}

// Seen tells how the origin was seen last.
func (o *Origin) Seen() (s Seen) {
	if at := o.answered.Load(); at != nil {
		s.LastSuccess = *at
	}
	if f := o.failed.Load(); f != nil {
		s.LastError, s.Failure = f.at, f.text
	}
	return s
}

// Recent returns the latest requests that failed, the latest first.
func (o *Origin) Recent() []Failed { return o.recent.latest() }

// note notes how the origin was seen. That nobody waits for it any more is no failure of it.
func (o *Origin) note(err error) {
	now := time.Now()
	switch {
	case err == nil:
		o.answered.Store(&now)
	case !errors.Is(err, context.Canceled):
		o.failed.Store(&failure{now, err.Error()})
	}
}

// AwaitsByTask marks o as a store.Source that waits by way of the Task that a context may have.
func (o *Origin) AwaitsByTask() {}

// Failed implements store.Source.
func (o *Origin) Failed(err error) *store.Failure { return FailureOf(err) }

var _ store.Source = (*Origin)(nil)
