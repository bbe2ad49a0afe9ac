package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/cluster"
	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/listen"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/otlp"
	"github.com/scurrycache/scurry/proxy"
)

// adminTimeout is how long the admin server may take to read a request and to answer it.
const adminTimeout = 10 * time.Second

// node is a running server: a proxy, and the listeners for clients, operators and other nodes.
type node struct {
	log   zerolog.Logger
	proxy *proxy.Proxy
	ready atomic.Bool

	mu        sync.Mutex     // guards cfg and given once the node runs
	cfg       *config.Config // is replaced by another one, not changed
	given     config.Provenance
	again     func() (*config.Config, config.Provenance, error)
	reloading sync.Mutex // held by reload
	reloaded  lastReload // guarded by mu

	started  time.Time
	lines    *logging.Queue // the log's
	token    []byte         // for the admin listener, or nil
	draining chan struct{}  // closed when the node begins to drain

	cluster    proxy.Cluster // without a Listener if the node is on its own
	clusterLog zerolog.Logger
	peersFile  *cluster.File   // the source of the list of nodes, or nil
	gossip     *cluster.Gossip // the same

	transport http.RoundTripper // to the origin
	tracing   *otlp.Tracing

	logFile *logging.File // nil if the log goes to standard error

	sockets                       sockets // that nothing listens on yet
	client, admin                 *listen.Server
	clientListener, adminListener net.Listener
	serving                       sync.WaitGroup // until both servers have ended

	closers  []func() error // of what else is open; the last is called first
	deadline time.Time      // when the grace period ends; zero until the node is told to stop
}

// start opens a node in the environment env. The caller runs it, and run closes it. On an error,
// start leaves nothing open.
func start(
	cfg *config.Config, given config.Provenance, env []string, passed sockets,
	log zerolog.Logger, lines *logging.Queue,
) (_ *node, err error) {
	n := &node{cfg: cfg, given: given, sockets: passed, log: log, lines: lines,
		started: time.Now(), draining: make(chan struct{})}
	n.reloaded = lastReload{true, n.started}
	defer func() {
		if err != nil {
			n.abandon()
		}
	}()
	if n.token, err = readAdminToken(cfg.AdminTokenFile, log); err != nil {
		return nil, err
	}
	var closeOrigin func() error
	if n.transport, closeOrigin, err = openOrigin(cfg); err != nil {
		return nil, err
	}
	n.closers = append(n.closers, closeOrigin)
	_, clientPassed := passed[clientSocket]
	_, adminPassed := passed[adminSocket]
	if err = n.openListeners(); err != nil {
		return nil, err
	}
	n.openTracing(env)
	settings := proxyConfig(cfg, n.transport, &n.log)
	settings.Cluster = n.cluster
	settings.TracerProvider, settings.Propagator = n.tracing.Provider, n.tracing.Propagator
	if n.proxy, err = proxy.New(settings); err != nil {
		return nil, err
	}
	stop, wait := followFolder(cfg, n.proxy.Purge, n.log)
	n.closers = append(n.closers, func() error { return inTime(wait) },
		func() error { return inTime(n.proxy.Close) }, stop)
	n.client = listen.New(n.clientListener, n.clientServer(), n.proxy.Lane(), delay(cfg), log)
	n.client.MaxConns = int(cfg.MaxConnections)
	n.client.MaxClientConns = int(cfg.MaxClientConnections)
	n.client.Trusted = cfg.TrustedProxies.Prefixes()
	n.admin = listen.New(n.adminListener, n.adminServer(), nil, 0, zerolog.Nop())
	n.client.Inherited, n.admin.Inherited = clientPassed, adminPassed
	return n, nil
}

func (n *node) openListeners() (err error) {
	cfg := n.cfg
	if err := n.sockets.check(cfg.Clustered()); err != nil {
		return err
	}
	n.clientListener, err = n.sockets.listen(clientSocket, cfg.Listen, "with --listen")
	if err != nil {
		return err
	}
	n.adminListener, err = n.sockets.listen(adminSocket, cfg.AdminListen, "with --admin-listen")
	if err != nil {
		return err
	}
	if cfg.Clustered() {
		return n.openCluster()
	}
	return nil
}

// delay is how long a node that drains accepts connections, which the grace period includes.
func delay(cfg *config.Config) time.Duration {
	return time.Duration(min(cfg.ShutdownDelay, cfg.Grace))
}

func (n *node) clientServer() *http.Server {
	s := n.server(n.proxy)
	s.ReadHeaderTimeout = time.Duration(n.cfg.ReadHeaderTimeout)
	// The proxy extends this deadline as a client takes bytes. It holds for responses that don't
	// come from the proxy.
	s.WriteTimeout = time.Duration(n.cfg.WriteTimeout)
	return s
}

func (n *node) adminServer() *http.Server {
	s := n.server(admin.Handler(n.report().admin()))
	s.ReadTimeout, s.WriteTimeout = adminTimeout, adminTimeout
	return s
}

// report is what n tells its operators. The client server is made before.
func (n *node) report() *report {
	r := &report{
		settings: n.settingsGiven, token: n.token, started: n.started, lines: n.lines,
		reload: n.serveReload, reloaded: n.lastReload,
		ready: n.ready.Load, draining: n.draining, proxy: n.proxy, client: n.client,
		listeners: []listening{{"clients", n.clientListener}, {"admin", n.adminListener}},
	}
	if n.cluster.Listener != nil {
		r.listeners = append(r.listeners, listening{"nodes", n.cluster.Listener})
	}
	return r
}

// server returns an http.Server for h with the settings that both servers share.
func (n *node) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:        h,
		IdleTimeout:    time.Duration(n.cfg.IdleTimeout),
		MaxHeaderBytes: int(n.cfg.MaxHeaderBytes),
		ErrorLog:       logging.Std(n.log),
	}
}

// abandon closes what a failed start has opened. Its errors are dropped, since the cause of the
// failure is reported.
func (n *node) abandon() {
	for _, l := range []net.Listener{n.cluster.Listener, n.clientListener, n.adminListener} {
		if l != nil {
			l.Close()
		}
	}
	n.sockets.close()
	_ = n.closeCache()
}

// closeCache closes the proxy, the source of its list of nodes, and the origin.
func (n *node) closeCache() (err error) {
	for _, f := range slices.Backward(n.closers) {
		err = errors.Join(err, f())
	}
	return err
}

// announce logs that the node serves, and where.
func (n *node) announce() {
	e := n.log.Info().
		Str("url", fmt.Sprintf("http://%s%s", n.clientListener.Addr(), n.cfg.Mount)).
		Str("admin", fmt.Sprintf("http://%s", n.adminListener.Addr())).
		Stringer("origin", n.cfg.Origin).
		Stringer("memory", n.cfg.Memory)
	if n.cluster.Listener != nil {
		e.Stringer("peers", n.cluster.Listener.Addr())
	}
	if n.cfg.Self != "" {
		e.Str("self", string(n.cfg.Self))
	}
	if n.gossip != nil {
		e.Str("gossip", n.gossip.Addr())
	}
	e.Msg("serving")
}
