package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/logging"
)

// sameWish is how long after a signal to stop another one means the same. timeout(1) and similar
// programs signal a process and then its group, which the process is in.
const sameWish = time.Second

// untilSignal returns a context that is done at the first SIGINT or SIGTERM. At another one that
// comes a second later or more, the process exits at once, and the last of its log has a tenth of a
// second. The caller calls stop to have signals do again what they did before.
func untilSignal(ctx context.Context, log zerolog.Logger, lines *logging.Queue) (
	_ context.Context, stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	exit := func() {
		_ = lines.Close(time.Second / 10)
		os.Exit(exitFailed)
	}
	var watching sync.WaitGroup
	watching.Go(func() { obey(signals, done, log, cancel, exit) })
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		watching.Wait()
		cancel()
	}
}

// obey calls stop at the first of the signals, and exit at one that comes after sameWish, until
// done.
func obey(signals <-chan os.Signal, done <-chan struct{}, log zerolog.Logger, stop, exit func()) {
	var first time.Time
	for {
		var s os.Signal
		select {
		case s = <-signals:
		case <-done:
			return
		}
		switch {
		case first.IsZero():
			first = time.Now()
			log.Info().Stringer("signal", s).Msg("told to stop")
			stop()
		case time.Since(first) < sameWish:
			log.Info().Stringer("signal", s).
				Msg("told to stop again within a second: taken for the same wish")
		default:
			log.Error().Stringer("signal", s).Msg("told to stop again: ending at once")
			exit()
		}
	}
}

// onHangup calls f at each SIGHUP, one call after the other, until the caller calls stop. None ends
// the process.
func onHangup(f func()) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-hangups:
				f()
			case <-done:
				return
			}
		}
	})
	return func() {
		signal.Stop(hangups)
		close(done)
		watching.Wait()
	}
}
