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
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

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

	// Streams reports whether the content of a record is too large to be kept as a whole.
	Streams func(*store.Record) bool
}

// Origin sends a site's requests to its origin. It is a store.Source. Its methods may be called
// concurrently.
type Origin struct {
	Config
	requests, errors, bytes atomic.Int64
}

// New makes an Origin.
func New(c Config) *Origin {
	return &Origin{Config: c}
}

// Counts are the requests to an origin, those that got no usable response, and the bytes of content
// received.
type Counts struct{ Requests, Errors, Bytes int64 }

// Counts returns the counts since o was made.
func (o *Origin) Counts() Counts {
	return Counts{Requests: o.requests.Load(), Errors: o.errors.Load(), Bytes: o.bytes.Load()}
}

// Failed implements store.Source.
func (o *Origin) Failed(err error) *store.Failure { return FailureOf(err) }

var _ store.Source = (*Origin)(nil)
