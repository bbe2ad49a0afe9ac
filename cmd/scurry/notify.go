package main

import (
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
)

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
