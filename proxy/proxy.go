// Package proxy is a caching reverse proxy for files, as an http.Handler.
//
// A client's request goes in. It is answered from stored responses where RFC 9111 allows that, and
// by the origin, any http.RoundTripper, where it doesn't:
//
//	request ─► key ─► stored record, fresh? ──────────────────► preconditions, ranges ─► bytes
//	                    │ stale or none                            ▲ chunks, or a fill as it grows
//	                    └► store.Fetch ─► origin (collapsed) ──────┘
//	anything that may not be stored ─► httputil.ReverseProxy ─► origin ─► store.Invalidate, if it changed something
//
// Explain tells which of these ways a request would take, and why.
//
// The handler serves these:
//
//	/files/PATH?QUERY    the resource at PATH?QUERY under the origin's base, spelled as the client spells it
//	/zk?key=PATH         the same by its decoded path, a form value as in the program that this one grew out of; its canonical
//	                     spelling is asked for
//	/, /files            redirect to /files/
//
// With Config.Cluster, several proxies share what they store: each resource has one that owns it,
// asks the origin, and answers the others.
//
// What is stored lives in memory, within Config.Memory, and goes with Close. What RFC 9111 and its
// successors ask for is held to by the transcripts in testdata, one archive for each topic.
package proxy

import (
	"context"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/scurrycache/scurry/internal/groups"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/store"
)

// mount is the path under which the origin's resources appear.
const mount = "/files/"

// ErrRegistered is wrapped by New's error if the process already uses groupcache with a peer picker
// of its own.
var ErrRegistered = groups.ErrRegistered

// Proxy is a caching reverse proxy. It is an http.Handler whose methods may be called concurrently.
type Proxy struct {
	cfg        Config
	policy     httpcache.Policy
	urls       *urlMapper
	variations *queryVariations // nil if No-Vary-Search means nothing
	loop       string           // this cluster's name in CDN-Loop
	store      *store.Store
	origin     *originClient
	pass       *httputil.ReverseProxy
	routes     http.Handler
	stats      counters
	heads      heads
	closed     sync.Once
	mixUps     *mixUps // nil if the origin doesn't tell

	node     *peer.Node // nil if there is no other
	unwatch  context.CancelFunc
	watching sync.WaitGroup
}

// New makes a Proxy, which must be closed.
func New(cfg Config) (*Proxy, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	p := &Proxy{cfg: cfg, policy: cfg.policy(), urls: newURLMapper(cfg), loop: cfg.loopName()}
	if cfg.NoVarySearch {
		p.variations = newQueryVariations()
	}
	p.origin = &originClient{next: cfg.Origin, log: cfg.Logger, stats: &p.stats}
	p.pass = p.reverseProxy()

	sc := cfg.store()
	sc.Source = &source{p}
	sc.Selecting = httpcache.Selecting
	sc.Contains = func(part store.Part, request http.Header) bool { return httpcache.Part(part).Answers(request) }
	var err error
	p.node = p.newNode()
	sc.Node, sc.Lease = p.node, cfg.Cluster.Lease
	if p.store, err = store.New(sc); err != nil {
		p.node.Close()
		return nil, err
	}
	p.routes = logging.Access(cfg.Logger, p.admit(p.router()))
	p.followMembers()
	p.watchMixUps()
	return p, nil
}

// Close ends what the proxy does in the background and frees what it has stored. Responses that are
// still being written may be cut, so a server should have been shut down before. It always returns
// nil.
func (p *Proxy) Close() error {
	p.closed.Do(func() {
		p.mixUps.close()
		if p.unwatch != nil {
			p.unwatch()
			p.watching.Wait()
		}
		p.node.Close()
		p.store.Close()
	})
	return nil
}

// ServeHTTP answers a client's request. If a response has to be cut short it panics with
// http.ErrAbortHandler, as net/http wants it.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stallTimeout(p.cfg.WriteTimeout, w, r, p.routes)
}

func (p *Proxy) router() http.Handler {
	m := chi.NewRouter()
	m.HandleFunc(mount+"*", func(w http.ResponseWriter, r *http.Request) { p.serveFile(writer(w), r) })
	m.HandleFunc("/zk", func(w http.ResponseWriter, r *http.Request) { p.serveZK(writer(w), r) })
	toMount := func(w http.ResponseWriter, r *http.Request) { p.redirect(writer(w), r) }
	m.HandleFunc("/", toMount)
	m.HandleFunc(strings.TrimSuffix(mount, "/"), toMount)
	m.NotFound(func(w http.ResponseWriter, r *http.Request) { p.refusePath(writer(w)) })
	// chi routes the methods that it knows. Others are no worse, and the origin may know them.
	m.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		switch path := spelling(r.URL); {
		case strings.HasPrefix(path, mount):
			p.serveFile(writer(w), r)
		case path == "/" || path == "/zk" || path+"/" == mount:
			p.refuseMethod(writer(w))
		default:
			p.refusePath(writer(w))
		}
	})
	return m
}

// refusePath is for what lies outside the mount. The log tells where things are, and the client
// isn't told.
func (p *Proxy) refusePath(w *logging.Writer) {
	w.Note = "resources are under " + mount
	p.refuse(w, http.StatusNotFound)
}

// refuseMethod is for what can only be read.
func (p *Proxy) refuseMethod(w *logging.Writer) {
	w.Header().Set("Allow", "GET, HEAD")
	p.refuse(w, http.StatusMethodNotAllowed)
}

// writer returns what logging.Access made of the ResponseWriter.
func writer(w http.ResponseWriter) *logging.Writer { return w.(*logging.Writer) }

// serveFile serves a resource by its escaped path.
func (p *Proxy) serveFile(w *logging.Writer, r *http.Request) {
	key, err := keyFromURL(r.URL)
	p.serveKey(w, r, key, err)
}

// serveZK serves a resource by its decoded path.
func (p *Proxy) serveZK(w *logging.Writer, r *http.Request) {
	if !reads(r.Method) {
		p.refuseMethod(w)
		return
	}
	key, err := keyFromForm(r.URL.RawQuery)
	p.serveKey(w, r, key, err)
}

func (p *Proxy) serveKey(w *logging.Writer, r *http.Request, key string, err error) {
	switch err {
	case nil:
		p.serve(w, r, key)
	case errLong:
		p.refuse(w, http.StatusRequestURITooLong)
	default:
		p.refuse(w, http.StatusBadRequest)
	}
}

func (p *Proxy) redirect(w *logging.Writer, r *http.Request) {
	if !reads(r.Method) {
		p.refuseMethod(w)
		return
	}
	to := mount
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	p.refuse(w, http.StatusTemporaryRedirect)
}

func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }
