package proxy

import (
	"errors"

	"github.com/scurrycache/scurry/internal/peer"
)

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
