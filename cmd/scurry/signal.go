package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/rs/zerolog"
)

// untilSignal returns a context that is done at the first SIGINT or SIGTERM. At the second one, the process exits at
// once. The caller calls stop to have signals do again what they did before.
func untilSignal(ctx context.Context, log zerolog.Logger) (_ context.Context, stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case s := <-signals:
			log.Info().Stringer("signal", s).Msg("told to stop")
			cancel()
		case <-done:
			return
		}
		select {
		case s := <-signals:
			log.Error().Stringer("signal", s).Msg("told to stop again: ending at once")
			os.Exit(exitFailed)
		case <-done:
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		watching.Wait()
		cancel()
	}
}

// onHangup calls f at each SIGHUP, one call after the other, until the caller calls stop. None ends the process.
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
