package main

import (
	"context"
	"fmt"
	"io"
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
	passed, err := passedSockets()
	if err != nil {
		return err
	}
	out, file, err := openLog(cfg.LogFile, p.stderr)
	if err != nil {
		return err
	}
	setLogLevel(cfg)
	logger, lines := logging.New(out, cfg.LogFormat, zerolog.TraceLevel)
	signal.Ignore(syscall.SIGPIPE) // a closed pipe at stderr doesn't end the node
	// Libraries print to Go's standard logger: net/http's client does when an origin that speaks
	// HTTP/2 misbehaves.
	log.SetFlags(0)
	log.SetOutput(logging.Std(logger).Writer())
	if limit := memoryLimit(int64(cfg.Memory), p.env); limit != 0 {
		debug.SetMemoryLimit(limit)
	}
	bound, by := memoryBound()
	warnOfMemory(cfg.Memory, bound, by, logger)
	n, err := start(cfg, p.provenance, p.env, passed, logger, lines)
	if err != nil {
		_ = lines.Close(lastLines)
		return err
	}
	n.logFile, n.again = file, p.again
	return n.runUntilSignal(ctx, lines)
}

// openLog opens the file of the log, which is nil if the log goes to stderr. The process has it
// open to its end.
func openLog(path config.File, stderr io.Writer) (out io.Writer, file *logging.File, err error) {
	if path == "" {
		return stderr, nil, nil
	}
	file, err = logging.OpenFile(string(path))
	if err != nil {
		err = fmt.Errorf("--log-file %s: can't open this file: %w", path, config.FileProblem(err))
	}
	return file, file, err
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
	defer handle(func(os.Signal) { _, _ = n.reload() }, syscall.SIGHUP)()
	defer handle(obey(n.log, cancel, exit), os.Interrupt, syscall.SIGTERM)()
	defer func() { _ = lines.Close(max(lastLines, time.Until(n.deadline))) }()
	if err := n.run(ctx); err != nil {
		n.log.Error().Err(err).Msg("stopped")
		return logged{err}
	}
	return nil
}
