package main

import (
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
)

// handle calls f at each of the signals, one call after the other, until the caller calls stop.
// After that, the signals have the effect that they had before.
func handle(f func(os.Signal), signals ...os.Signal) (stop func()) {
	received := make(chan os.Signal, 2)
	signal.Notify(received, signals...)
	var handling sync.WaitGroup
	handling.Go(func() {
		for s := range received {
			f(s)
		}
	})
	return func() {
		signal.Stop(received) // nothing is sent from here on
		close(received)
		handling.Wait()
	}
}

// sameWish is how long after a signal to stop another one counts as the same. timeout(1) and
// similar programs signal a process and then its process group.
const sameWish = time.Second

// obey returns what to do at each signal to stop: at the first, stop, and at one that comes after
// sameWish, exit.
func obey(log zerolog.Logger, stop, exit func()) func(os.Signal) {
	var first time.Time
	return func(s os.Signal) {
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

// What a node tells the service manager, if that listens (sd_notify(3)).
const (
	nowReady    = "READY=1"
	nowStopping = "STOPPING=1"
)

// nowReloading is the notice that a reload has begun. It ends with nowReady.
func nowReloading() string {
	return "RELOADING=1\n" + strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n")
}

// tell tells the service manager what the node does now, and describes it in words.
func tell(log zerolog.Logger, state, status string) {
	status = strings.ReplaceAll(status, "\n", "; ")
	if _, err := daemon.SdNotify(false, state+"\nSTATUS="+status); err != nil {
		log.Warn().Err(err).Msg("the service manager can't be notified")
	}
}
