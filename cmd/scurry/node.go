package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/listen"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/proxy"
)

// adminTimeout limits all that the admin server does, but for waiting between requests.
const adminTimeout = 10 * time.Second

// node is a running server: a proxy, with a listener for clients, one for those who operate it, and
// one for the other nodes if there are any.
type node struct {
	cfg    *config.Config
	log    zerolog.Logger
	origin io.Closer
	proxy  *proxy.Proxy
	ready  atomic.Bool

	peers peering

	client                        *listen.Server
	admin                         *http.Server
	clientListener, adminListener net.Listener
	clientServing, adminServing   sync.WaitGroup // until their Serve returns
}

// start opens what a node needs. The caller runs it, which closes it. On an error, nothing is left
// open.
func start(cfg *config.Config, log zerolog.Logger) (_ *node, err error) {
	n := &node{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			n.abandon()
		}
	}()
	transport, closer, err := openOrigin(cfg)
	if err != nil {
		return nil, err
	}
	n.origin = closer
	if n.clientListener, err = listenAt(cfg.Listen, "with --listen"); err != nil {
		return nil, err
	}
	if n.adminListener, err = listenAt(cfg.AdminListen, "with --admin-listen"); err != nil {
		return nil, err
	}
	settings := proxyConfig(cfg, transport, &n.log)
	if cfg.Clustered() {
		if settings.Cluster, n.peers, err = openCluster(cfg, log); err != nil {
			return nil, err
		}
	}
	if n.proxy, err = proxy.New(settings); err != nil {
		return nil, err
	}
	n.client, n.admin = listen.New(n.clientListener, n.clientConfig()), n.adminServer()
	return n, nil
}

// abandon closes what a start that failed has opened. Its errors are dropped, since the cause of
// the failure is the one to report.
func (n *node) abandon() {
	for _, listener := range []net.Listener{n.peers.listener, n.clientListener, n.adminListener} {
		if listener != nil {
			listener.Close()
		}
	}
	n.closeCache()
}

// closeCache closes the proxy, the source of its list of nodes, and the origin, as far as they are
// open.
func (n *node) closeCache() error {
	var errs []error
	if n.proxy != nil {
		errs = append(errs, inTime(n.proxy.Close))
	}
	if n.peers.close != nil {
		errs = append(errs, n.peers.close())
	}
	if n.origin != nil {
		errs = append(errs, n.origin.Close())
	}
	return errors.Join(errs...)
}

func (n *node) clientConfig() listen.Config {
	return listen.Config{
		Handler:           n.proxy,
		ReadHeaderTimeout: time.Duration(n.cfg.ReadHeaderTimeout),
		IdleTimeout:       time.Duration(n.cfg.IdleTimeout),
		// The proxy puts the deadline off as a client takes bytes. This one is for what is answered
		// without it.
		WriteTimeout:   time.Duration(n.cfg.WriteTimeout),
		MaxHeaderBytes: int(n.cfg.MaxHeaderBytes),
		Delay:          min(time.Duration(n.cfg.ShutdownDelay), time.Duration(n.cfg.Grace)),
		Log:            n.log,
		ErrorLog:       logging.Std(n.log),
	}
}

func (n *node) adminServer() *http.Server {
	handler := admin.Handler(admin.Config{
		Ready: n.ready.Load, Explain: n.explain, Host: n.cfg.AdminListen.Host(),
	})
	return &http.Server{
		Handler:        handler,
		ReadTimeout:    adminTimeout,
		IdleTimeout:    time.Duration(n.cfg.IdleTimeout),
		WriteTimeout:   adminTimeout,
		MaxHeaderBytes: int(n.cfg.MaxHeaderBytes),
		ErrorLog:       logging.Std(n.log),
	}
}

// explain answers the admin listener's /explain.
func (n *node) explain(ctx context.Context, q admin.Question) (io.WriterTo, error) {
	return n.proxy.Explain(ctx, proxy.Question(q))
}

// announce logs the one line of a start.
func (n *node) announce() {
	e := n.log.Info().
		Str("url", fmt.Sprintf("http://%s%s", n.clientListener.Addr(), n.cfg.Mount)).
		Str("admin", fmt.Sprintf("http://%s", n.adminListener.Addr())).
		Stringer("origin", n.cfg.Origin).
		Stringer("memory", n.cfg.Memory)
	if n.peers.listener != nil {
		e.Stringer("peers", n.peers.listener.Addr())
	}
	if n.cfg.Self != "" {
		e.Str("self", string(n.cfg.Self))
	}
	if n.peers.gossip != "" {
		e.Str("gossip", n.peers.gossip)
	}
	e.Msg("serving")
}
