package proxy

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/scurrycache/scurry/internal/admission"
	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
)

// Config says what a Proxy does. Only Origin must be set; the zero value of every other field
// stands for the default that its comment names.
type Config struct {
	// Origin answers what the cache doesn't hold. origin.HTTP and origin.OpenDir make the usual
	// ones; any RoundTripper will do. Requests to it carry the URL of the resource under the
	// origin's base: the URL that its BaseURL method returns if it has one (interface{ BaseURL()
	// *url.URL }), else "http://origin.invalid/". Its RawPath is the path as the client wrote it,
	// even where net/http's transport would escape that anew; origin.HTTP sends it as it is. URLs
	// in Location and Content-Location that are under it are mapped to the mount; so are those with
	// another host that its Aliases method returns if it has one (interface{ Aliases() []string }).
	// If it has an OnUnsolicited method as origin.Server has, the responses that it names as
	// possibly mixed up are dropped. If it has a Validate method (interface{ Validate() error }),
	// New calls it and returns its error. It must end a request whose context has ended, since
	// Close waits for it. The Proxy doesn't close it.
	Origin http.RoundTripper

	// Mount is the path under which clients find the origin's resources, of letters, digits, '-',
	// '.', '_', '~' and slashes; "/" works as well. Default: "/files/".
	Mount string

	// Memory is the budget of the whole cache, records and chunks, in bytes. It is of Go's heap; on
	// Linux, huge pages are asked for where contents from 32 KiB on lie. Default: 256 MiB.
	Memory int64

	// FirstChunk and MaxChunk are the ends of the ladder of chunk sizes, and Slab is how much of a
	// representation one origin request fetches, in bytes. MaxChunk is FirstChunk times a power of
	// two, and Slab a multiple of MaxChunk. Defaults: 32 KiB, 1 MiB, 64 MiB.
	FirstChunk, MaxChunk, Slab int64

	// HeuristicLimit caps heuristic freshness (RFC 9111 section 4.2.2). Default: 1 minute;
	// negative: none is assigned.
	HeuristicLimit time.Duration

	// NegativeTTL is the freshness lifetime of a 404 or 410 that states none. Default: 10 seconds;
	// negative: none.
	NegativeTTL time.Duration

	// MaxStale is how long past its freshness a stored response may still be served when the origin
	// can't be reached or answers with a 5xx (RFC 9111 section 4.2.4), if neither it nor the
	// request says so with stale-if-error (RFC 5861). Default: 1 hour; negative: never.
	MaxStale time.Duration

	// Targets are the names of the targeted cache control fields (RFC 9213) that are obeyed instead
	// of Cache-Control and Expires, in the order of precedence. Default: Scurry-Cache-Control,
	// CDN-Cache-Control; empty but not nil: none.
	Targets []string

	// GroupFields are the names of fields whose members, separated by spaces or commas, are the
	// names of cache groups like those in Cache-Groups (RFC 9875): Surrogate-Key and Cache-Tag are
	// in use. Default: none.
	GroupFields []string

	// NoVarySearch honours No-Vary-Search, by which a response tells which parts of the query don't
	// matter.
	NoVarySearch bool

	// PrivateCookies keeps responses with Set-Cookie from being stored. By default, those that
	// state their freshness are stored (RFC 9111 section 7.3).
	PrivateCookies bool

	// IgnoreRequestDirectives ignores the cache directives of requests (RFC 9111 section 5.2.1) and
	// Pragma, so that clients don't decide what they are answered from.
	IgnoreRequestDirectives bool

	// WebSocket has a GET that asks for the WebSocket protocol (RFC 6455) forwarded, and its
	// connection switched to that if the origin agrees. No other protocol is ever switched to.
	WebSocket bool

	// PurgeFrom are the networks of the clients that may purge by the method PURGE. The address is
	// that of the connection, and requests that other servers have forwarded may not. Default:
	// none; then the method is answered by 405.
	PurgeFrom []netip.Prefix

	// WriteTimeout is how long a client may take no bytes of a response before its connection is
	// aborted. Default: 1 minute; negative: the server's own write timeout is left alone.
	WriteTimeout time.Duration

	// Keys say what of a request selects a stored response. Default: its path and its query, as the
	// client spells them, and what Vary names.
	Keys KeyRules

	// ReadOnly refuses, with 405, the methods that may change something at the origin (RFC 9110
	// section 9.2.1), and TRACE.
	ReadOnly bool

	// Limits bound what clients may take. Default: none.
	Limits Limits

	// Cluster makes the Proxy a node among others. Default: it is on its own.
	Cluster Cluster

	// TracerProvider makes the spans: one for each request, and under it those of the requests to
	// other nodes and to the origin that are made for it. If nil, nothing is traced, and the origin
	// is sent the traces of clients as they send them.
	TracerProvider trace.TracerProvider

	// Propagator takes the trace of a request from its fields, and puts it into those of requests
	// to the origin. Default: that of W3C Trace Context (traceparent and tracestate).
	Propagator propagation.TextMapPropagator

	// Logger receives the access log, the origin log and errors. If nil, nothing is logged.
	Logger *zerolog.Logger

	// Now is the clock that freshness goes by. If nil, time.Now is used.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	setDefault(&c.Mount, "/files/")
	if path, err := site.ParseMount(c.Mount); err == nil {
		c.Mount = path
	}
	setDefault(&c.Memory, 256<<20)
	setDefault(&c.FirstChunk, 32<<10)
	setDefault(&c.MaxChunk, 1<<20)
	setDefault(&c.Slab, 64<<20)
	setDefault(&c.HeuristicLimit, time.Minute)
	setDefault(&c.NegativeTTL, 10*time.Second)
	setDefault(&c.MaxStale, time.Hour)
	setDefault(&c.WriteTimeout, time.Minute)
	if c.Targets == nil {
		c.Targets = []string{"Scurry-Cache-Control", "CDN-Cache-Control"}
	}
	c.Targets, c.GroupFields = canonicalNames(c.Targets), canonicalNames(c.GroupFields)
	c.Keys = c.Keys.withDefaults()
	c.Cluster, c.Limits = c.Cluster.withDefaults(), c.Limits.withDefaults()
	nop := zerolog.Nop()
	setDefault(&c.Logger, &nop)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	*field = cmp.Or(*field, value)
}

// Validate returns an error that says what is wrong with c. New calls it.
func (c Config) Validate() error {
	if c.Origin == nil {
		return errors.New("no origin: set Config.Origin, for example to origin.HTTP(u)")
	}
	if v, ok := c.Origin.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	full := c.withDefaults()
	if _, err := site.ParseMount(full.Mount); err != nil {
		return fmt.Errorf("Config.Mount %q: %w", c.Mount, err)
	}
	if err := cmp.Or(c.Cluster.validate(), c.Limits.validate(), full.Keys.validate(),
		checkNetworks("Config.PurgeFrom", c.PurgeFrom)); err != nil {
		return err
	}
	return full.store().Validate()
}

// store is the part of c that the store needs; c has its defaults.
func (c Config) store() store.Config {
	return store.Config{
		Memory:   c.Memory,
		Geometry: chunk.Geometry{First: c.FirstChunk, Max: c.MaxChunk, Slab: c.Slab},
		Now:      c.Now,

		MaxObject: c.Limits.Object, KeyFields: c.Keys.Fields,
	}
}

// site is the part of c that belongs to the mount; c has its defaults.
func (c Config) site() site.Config {
	s := site.Config{
		Mount: c.Mount, GroupFields: c.GroupFields, NoVarySearch: c.NoVarySearch,
		Query:     site.QueryPolicy{Keep: c.Keys.QueryKeep, Sort: c.Keys.QuerySort},
		KeyFields: c.Keys.Fields, DropFields: c.Keys.DropFields,
		Policy: httpcache.Policy{
			Limits: c.limits(), Targets: c.Targets,
			PrivateCookies: c.PrivateCookies, IgnoreRequest: c.IgnoreRequestDirectives,
		},
	}
	s.Base, _ = c.base()
	if o, ok := c.Origin.(interface{ Aliases() []string }); ok {
		s.Aliases = o.Aliases()
	}
	return s
}

func (c Config) limits() httpcache.Limits {
	return httpcache.Limits{
		HeuristicLimit: c.HeuristicLimit, NegativeTTL: c.NegativeTTL, MaxStale: c.MaxStale,
	}
}

// largestPost is the largest response to a POST that is stored; c has its defaults.
func (c Config) largestPost() int64 {
	if c.Limits.Object > 0 {
		return min(c.MaxChunk, c.Limits.Object)
	}
	return c.MaxChunk
}

// gate is what admits clients' requests; c has its defaults.
func (c Config) gate() *admission.Gate {
	return admission.New(admission.Config{
		Requests: c.Limits.Requests, Rate: c.Limits.ClientRate, Burst: c.Limits.ClientBurst,
		Trusted: c.Limits.TrustedProxies, Now: c.Now,
	})
}

// base is the URL under which the origin's resources are. It is known if the origin tells it.
func (c Config) base() (base *url.URL, known bool) {
	base = &url.URL{Scheme: "http", Host: "origin.invalid", Path: "/"}
	b, known := c.Origin.(interface{ BaseURL() *url.URL })
	if known {
		base = b.BaseURL()
	}
	if !strings.HasSuffix(base.Path, "/") {
		base = base.JoinPath("/")
	}
	return base, known
}

// loopName is the name in CDN-Loop (RFC 8586) of the nodes of one cluster, and of no others. They
// have their origin in common, and no chain of caches leads through two clusters with the same one.
// An origin without a known URL may lead anywhere, so the name is random.
func (c Config) loopName() string {
	base, known := c.base()
	if !known {
		return decide.Name + "-" + strings.ToLower(rand.Text()[:12])
	}
	sum := sha256.Sum256([]byte(base.String()))
	return fmt.Sprintf("%s-%x", decide.Name, sum[:6])
}
