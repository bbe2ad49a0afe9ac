package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/proxy"
)

type serveCmd struct {
	Settings config.Config `embed:""`
}

// Run serves until ctx is done or a signal tells to stop.
func (c *serveCmd) Run(ctx context.Context, p process) error {
	cfg := &c.Settings
	if err := check(cfg, p.provenance); err != nil {
		return err
	}
	logger, lines, err := logging.New(p.stderr, cfg.LogFormat, cfg.LogLevel)
	if err != nil {
		return usageError{err}
	}
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads any more is no reason to end
	defer takeStandardLog(logger)()
	if limit := memoryLimit(int64(cfg.Memory), p.env); limit != 0 {
		debug.SetMemoryLimit(limit)
	}
	warnOfMemory(cfg.Memory, os.DirFS("/"), logger)
	n, err := start(cfg, logger)
	if err != nil {
		_ = lines.Close(lastLines)
		return err
	}
	return n.runUntilSignal(ctx, lines)
}

// runUntilSignal runs n until ctx is done or a signal tells to stop, and ends its log.
func (n *node) runUntilSignal(ctx context.Context, lines *logging.Queue) error {
	defer onHangup(n.hangup)()
	ctx, stop := untilSignal(ctx, n.log, lines)
	defer stop()
	defer flusher(ctx, lines, time.Duration(n.cfg.Grace))()
	if err := n.run(ctx); err != nil {
		n.log.Error().Err(err).Msg("stopped")
		return logged{err}
	}
	return nil
}

// lastLines is how long the log's last lines may take in any case.
const lastLines = time.Second

// flusher returns a func that ends the log, for which it has what is left of the grace that begins
// when ctx is done. If lines are lost then, nobody is there to be told.
func flusher(ctx context.Context, lines *logging.Queue, grace time.Duration) (flush func()) {
	told := make(chan time.Time, 1)
	context.AfterFunc(ctx, func() { told <- time.Now() })
	return func() {
		limit := lastLines
		select {
		case at := <-told:
			limit = max(limit, time.Until(at.Add(grace)))
		default: // the node has failed
		}
		_ = lines.Close(limit)
	}
}

// takeStandardLog makes what libraries print to Go's standard logger part of ours, until the
// returned func is called. net/http's client does so when an origin sends what nobody asked for.
func takeStandardLog(l zerolog.Logger) (giveBack func()) {
	flags, w := log.Flags(), log.Writer()
	log.SetFlags(0)
	log.SetOutput(logging.Std(l).Writer())
	return func() {
		log.SetFlags(flags)
		log.SetOutput(w)
	}
}

// check completes c and says what is wrong with it, as far as c alone tells.
func check(c *config.Config, p config.Provenance) error {
	if err := derive(c, c.Nodes, p); err != nil {
		return err
	}
	if err := checkPeers(c); err != nil {
		return err
	}
	if least := 2 * c.Slab; c.Memory < least {
		return usageError{fmt.Errorf("--memory %s is too small for --slab %s: give it at least %s, or make the slabs smaller", c.Memory, c.Slab, least)}
	}
	// Any origin will do to check the other fields.
	if err := proxyConfig(c, http.DefaultTransport, nil).Validate(); err != nil {
		return usageError{err}
	}
	if c.Origin.URL() != nil {
		if err := httpOrigin(c).Validate(); err != nil {
			return usageError{err}
		}
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

		Logger: log,
	}
}

// orNone is d for a field of proxy.Config, in which zero stands for the default and a negative
// duration for none.
func orNone(d config.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return time.Duration(d)
}
