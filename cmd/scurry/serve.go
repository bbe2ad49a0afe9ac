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
	level, _ := zerolog.ParseLevel(cfg.LogLevel) // it is one of those that the flag may have
	logger, lines := logging.New(p.stderr, cfg.LogFormat, level)
	signal.Ignore(syscall.SIGPIPE) // a closed pipe at stderr doesn't end the node
	// Libraries print to Go's standard logger: net/http's client does when an origin sends a
	// response without a request.
	log.SetFlags(0)
	log.SetOutput(logging.Std(logger).Writer())
	if limit := memoryLimit(int64(cfg.Memory), p.env); limit != 0 {
		debug.SetMemoryLimit(limit)
	}
	bound, by := memoryBound()
	warnOfMemory(cfg.Memory, bound, by, logger)
	n, err := start(cfg, p.provenance, logger, lines)
	if err != nil {
		_ = lines.Close(lastLines)
		return err
	}
	return n.runUntilSignal(ctx, lines)
}

// lastLines is how long writing the last lines of the log may take, even without a grace period.
const lastLines = time.Second

// runUntilSignal runs n until ctx is done or a signal stops it, and then closes its log within the
// rest of the grace period. A second signal ends the process at once; the log then has a tenth of a
// second. Lines that are lost at the end aren't reported.
func (n *node) runUntilSignal(ctx context.Context, lines *logging.Queue) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	exit := func() {
		_ = lines.Close(time.Second / 10)
		os.Exit(exitFailed)
	}
	defer watch(func(os.Signal) { n.hangup() }, syscall.SIGHUP)()
	defer watch(obey(n.log, cancel, exit), os.Interrupt, syscall.SIGTERM)()
	defer func() { _ = lines.Close(max(lastLines, time.Until(n.deadline))) }()
	if err := n.run(ctx); err != nil {
		n.log.Error().Err(err).Msg("stopped")
		return logged{err}
	}
	return nil
}
