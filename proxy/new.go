package proxy

import (
	"errors"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fastlane"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/serve"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/trace"
)

// New makes a Proxy, which must be closed.
func New(cfg Config) (*Proxy, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	p := &Proxy{cfg: cfg}
	mount := cfg.site()
	mount.Policy.Live = &p.limits
	p.site = site.New(mount)
	streams := func(rec *store.Record) bool { return p.store.Streams(rec) }
	rules := decide.Rules{Policy: p.site.Policy, Now: cfg.Now, Streams: streams,
		ReadOnly: cfg.ReadOnly}
	p.origin = fetch.New(fetch.Config{
		Site: p.site, Origin: cfg.Origin, Name: decide.Name, Loop: cfg.loopName(),
		Now: cfg.Now, Log: cfg.Logger, Streams: streams,
		MaxObject: cfg.Limits.Object,
		Requests:  cfg.Limits.OriginRequests, Queue: cfg.Limits.OriginQueue,
	})

	tracer := trace.New(cfg.TracerProvider, cfg.Propagator, p.site.DropFields)
	sc := cfg.store()
	sc.Source, sc.Keys, sc.Policy = p.origin, p.site, p.site.Policy
	if p.remote = cfg.newRemote(tracer); p.remote != nil {
		p.node = p.remote.Node
		sc.Remote, sc.Lease = p.remote, cfg.Cluster.Lease
	}
	var err error
	if p.store, err = store.New(sc); err != nil {
		p.remote.Close()
		return nil, err
	}
	p.server = serve.New(serve.Config{
		Rules: rules, Site: p.site, Store: p.store, Origin: p.origin, Now: cfg.Now,
		WebSocket: cfg.WebSocket, MaxContent: cfg.largestPost(),
	})
	p.gate, p.access.Logger, p.access.Tracer = cfg.gate(), cfg.Logger, tracer
	p.lane = fastlane.New(p.server, p.gate, &p.access)
	p.routes = logging.Access(&p.access, p.limit(p.admit(p.purging(p.router(p.server.Resource)))))
	p.warming = logging.Access(&p.access, p.limitRequests(p.admit(p.router(p.server.Warm))))
	p.followMembers()
	p.stopUnsolicited = p.origin.OnUnsolicited(p.store.Remove)
	return p, nil
}

// Update replaces the settings that can change while the proxy serves. c is the Config that New was
// given, with other values of these:
//
//   - HeuristicLimit, NegativeTTL and MaxStale, for the responses that are stored or validated from
//     then on;
//   - Cluster.Secret and Cluster.TLS, for the connections that are made from then on;
//   - Cluster.Peers, if there are no Members.
//
// Other changes are ignored. If there is an error, nothing has changed.
func (p *Proxy) Update(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.withDefaults()
	if p.node != nil && (c.Cluster.TLS == nil) != (p.cfg.Cluster.TLS == nil) {
		return errors.New("TLS between nodes can't be turned on or off while they are connected")
	}
	limits := c.limits()
	p.limits.Store(&limits)
	if p.node == nil {
		return nil
	}
	p.node.SetCredentials(peer.Credentials{TLS: c.Cluster.TLS, Secret: c.Cluster.Secret})
	if p.cfg.Cluster.Members == nil {
		p.node.SetMembers(c.Cluster.Peers)
	}
	return nil
}
