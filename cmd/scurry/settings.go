package main

import (
	"cmp"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/proxy"
)

// check derives the settings of c that follow from others, and returns what is wrong with c. It
// reads nothing of the machine.
func check(c *config.Config, p process) error {
	if err := derive(c, c.Nodes, p); err != nil {
		return err
	}
	if least := 2 * c.Slab; c.Memory < least {
		return usagef("--memory %s is too small for --slab %s: "+
			"give it at least %s, or make the slabs smaller", c.Memory, c.Slab, least)
	}
	var origin http.RoundTripper = http.DefaultTransport // stands for a folder, which isn't opened
	if c.Origin.URL != nil {
		origin = httpOrigin(c)
	}
	if err := proxyConfig(c, origin, nil).Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

func proxyConfig(c *config.Config, origin http.RoundTripper, log *zerolog.Logger) proxy.Config {
	return proxy.Config{
		Origin:         origin,
		Mount:          string(c.Mount),
		Memory:         int64(c.Memory),
		FirstChunk:     int64(c.FirstChunk),
		MaxChunk:       int64(c.MaxChunk),
		Slab:           int64(c.Slab),
		HeuristicLimit: orNone(c.HeuristicLimit),
		NegativeTTL:    orNone(c.NegativeTTL),
		MaxStale:       orNone(c.MaxStale),
		Targets:        c.Targets.Names(),
		GroupFields:    c.GroupFields.Names(),
		WriteTimeout:   time.Duration(c.WriteTimeout),

		NoVarySearch:            c.NoVarySearch,
		PrivateCookies:          c.PrivateCookies,
		IgnoreRequestDirectives: c.IgnoreRequestDirectives,
		WebSocket:               c.WebSocket,
		PurgeFrom:               c.PurgeFrom.Prefixes(),

		ReadOnly: c.ReadOnly,
		Keys: proxy.KeyRules{
			QueryKeep:  c.QueryKeep.Names(),
			QuerySort:  c.QuerySort,
			Fields:     c.KeyFields.Names(),
			DropFields: c.DropFields.Names(),
		},
		Limits: proxy.Limits{
			Requests:       int(c.MaxRequests),
			ClientRate:     float64(c.ClientRate),
			ClientBurst:    int(c.ClientBurst),
			OriginRequests: int(c.MaxOriginRequests),
			OriginQueue:    int(cmp.Or(c.OriginQueue, -1)),
			Object:         int64(c.MaxObject),
			TrustedProxies: c.TrustedProxies.Prefixes(),
		},

		Logger: log,
	}
}

// orNone converts d for proxy.Config, where zero means the default and a negative duration means
// none.
func orNone(d config.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return time.Duration(d)
}

type configCmd struct {
	Settings config.Config `embed:""`
}

// Run prints the settings, if they are valid.
func (c *configCmd) Run(p process) error {
	if err := check(&c.Settings, p); err != nil {
		return err
	}
	return c.Settings.Write(p.stdout, p.provenance)
}
