package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/logging"
)

type serveCmd struct {
	Settings config.Config `embed:""`
}

// Run serves until ctx is done or a signal stops it.
func (c *serveCmd) Run(ctx context.Context, p process) error {
	cfg := &c.Settings
	if err := check(cfg, p); err != nil {
		return err
	}
	logger, lines, err := logging.New(p.stderr, cfg.LogFormat, cfg.LogLevel)
	if err != nil {
		return usageError{err}
	}
	signal.Ignore(syscall.SIGPIPE) // the node goes on when the log's reader has gone
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

// runUntilSignal runs n until ctx is done or a signal stops it, and ends its log.
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

// flusher returns a func that ends the log within the rest of the grace period, which begins when
// ctx is done. Lines that are lost then aren't reported.
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

// takeStandardLog logs what libraries print to Go's standard logger, until the returned func is
// called. net/http's client prints there when an origin sends a response without a request.
func takeStandardLog(l zerolog.Logger) (giveBack func()) {
	flags, w := log.Flags(), log.Writer()
	log.SetFlags(0)
	log.SetOutput(logging.Std(l).Writer())
	return func() {
		log.SetFlags(flags)
		log.SetOutput(w)
	}
}
