// Package proxy is a caching reverse proxy for files, as an http.Handler.
//
// A client's request goes in. It is answered from stored responses where RFC 9111 allows that, and
// by the origin, any http.RoundTripper, where it doesn't:
//
//	request ─► site: key ─► serve: lookup, decide, respond ─► bytes
//	                           │             ▲ record and chunks, or a fill as it grows
//	                           │           store ─► owner (exchange) or origin (fetch)
//	                           └► forwarded, if it may not be stored ─► what it changed goes
//
// This package is the facade: settings, routes, the wiring of the rooms behind, and counts.
//
// Explain tells which of these ways a request would take, and why. Purge has what is stored go, on
// all nodes.
//
// The handler serves these, where /files/ stands for Config.Mount:
//
//	/files/PATH?QUERY    the resource at PATH?QUERY under the origin's base, spelled as the client
//	                     spells it but for dot segments, which are removed
//	/zk?key=PATH         the same by its decoded path, as a form value; the origin is asked for its
//	                     canonical spelling
//	/, /files            redirect to /files/
//
// With Config.Cluster, several proxies share what they store: each resource has one that owns it,
// asks the origin, and answers the others.
//
// Stored responses are in memory, within Config.Memory, until Close. The transcripts in testdata
// test what RFC 9111 and its successors demand, one archive for each topic.
package proxy

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/admission"
	"github.com/scurrycache/scurry/internal/exchange"
	"github.com/scurrycache/scurry/internal/fastlane"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/groups"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/purge"
	"github.com/scurrycache/scurry/internal/serve"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
)

// ErrRegistered is wrapped by New's error if the process has already registered a peer picker with
// groupcache.
var ErrRegistered = groups.ErrRegistered

// Proxy is a caching reverse proxy. It is an http.Handler whose methods may be called concurrently.
type Proxy struct {
	cfg     Config
	site    *site.Site
	store   *store.Store
	origin  *fetch.Origin
	server  *serve.Server
	gate    *admission.Gate
	lane    *fastlane.Lane
	access  logging.AccessLog
	routes  http.Handler
	warming http.Handler // likewise, of Warmer
	closed  sync.Once
	limits  atomic.Pointer[httpcache.Limits] // since the last Update; nil before

	largest largest

	purges       purge.Ledger
	purged       atomic.Int64 // purges; not all nodes have acknowledged purgedInPart of them
	purgedInPart atomic.Int64

	stopUnsolicited func() // ends the notices of unsolicited responses

	remote   *exchange.Exchange // nil if there is no other node
	node     *peer.Node         // its node
	unwatch  context.CancelFunc // nil if the list of nodes doesn't change
	watching sync.WaitGroup
	listed   <-chan struct{} // closed when the first list has come; nil if it doesn't change
}

// Close ends the background work of the proxy and frees what it has stored. It may cut responses
// that are still being written, so the server should be shut down first. It always returns nil.
func (p *Proxy) Close() error {
	p.closed.Do(func() {
		p.stopUnsolicited()
		if p.unwatch != nil {
			p.unwatch()
			p.watching.Wait()
		}
		// first, since requests to other nodes end with it, and the store waits for them
		p.remote.Close()
		p.store.Close()
	})
	return nil
}

// Lane returns what answers plain hits for a server that reads its connections by itself, as the
// command does. It logs and counts as ServeHTTP does.
func (p *Proxy) Lane() *fastlane.Lane { return p.lane }

// ServeHTTP answers a client's request. If it must cut a response short, it panics with
// http.ErrAbortHandler, as net/http expects.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve.StallTimeout(p.cfg.WriteTimeout, w, r, p.routes)
}
