// Package fetch is one exchange with the origin: what is sent for a client's request, and what the
// answer comes to.
//
//	store.Request ──► fields, conditions ──► origin ──► acceptable? ──► store.OriginResponse
//	                                            │ no answer, or none that can be used
//	                                            └────────────────────► store.Failure
//
// It decides what goes into a request whose answer others may get, whether and as what the answer
// is stored, and what kind of failure it is if there is none. Each exchange is counted, and has one
// line of the log, when it has ended. The bodies belong to the caller, who closes them.
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

	// Streams reports whether a content is too large to be kept as a whole.
	Streams func(*store.Record) bool
}

// Origin is a site's origin as the cache asks it. It is a store.Source. Its methods may be called
// concurrently.
type Origin struct {
	Config
	requests, errors, bytes atomic.Int64
}

// New makes an Origin.
func New(c Config) *Origin {
	return &Origin{Config: c}
}

// Counts are requests to an origin, those of them that brought no response, and the bytes of
// content that have come.
type Counts struct{ Requests, Errors, Bytes int64 }

// Counts counts what o has done so far.
func (o *Origin) Counts() Counts {
	return Counts{Requests: o.requests.Load(), Errors: o.errors.Load(), Bytes: o.bytes.Load()}
}

// Forwarding sends a client's request as it is, for that one alone. It judges and logs it like all
// others, with id as that of the client's request.
func (o *Origin) Forwarding(id string) http.RoundTripper { return forwarding{o, id} }

type forwarding struct {
	o  *Origin
	id string
}

func (f forwarding) RoundTrip(req *http.Request) (*http.Response, error) {
	return f.o.do(req, purpose{reason: reasonPass, id: f.id})
}

// Failed is store.Source's.
func (o *Origin) Failed(err error) *store.Failure { return FailureOf(err) }

var _ store.Source = (*Origin)(nil)
