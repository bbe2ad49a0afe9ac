package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/cluster"
	"github.com/scurrycache/scurry/internal/config"
)

// leaveTime is how long it may take to gossip that this node leaves.
const leaveTime = time.Second

// openGossip begins to gossip with the settings cfg.
func openGossip(cfg *config.Config, log zerolog.Logger) (membership, error) {
	key, err := readGossipKey(cfg.GossipKeyFile, log)
	if err != nil {
		return membership{}, err
	}
	problem := func(err error) { log.Warn().Err(err).Msg("gossip has a problem") }
	gossip, err := cluster.OpenGossip(cluster.GossipConfig{
		PeerAddr: string(cfg.Self),
		Listen:   string(cfg.GossipListen),
		Join:     cfg.Join.Addrs(),
		Key:      key,
		Log: func(level slog.Level, line string) {
			log.WithLevel(zerologLevel(level)).Msg(line)
		},
		Problem: problem,
	})
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "listen" {
		return membership{}, cannotListen(cfg.GossipListen, "with --gossip-listen", err)
	}
	if err != nil {
		return membership{}, fmt.Errorf("--gossip-listen %s: %w", cfg.GossipListen, err)
	}
	leave := func() {
		if err := gossip.Leave(leaveTime); err != nil {
			problem(err)
		}
	}
	return membership{
		members: gossip, gossip: gossip.Addr(), leave: leave, close: gossip.Close,
	}, nil
}

// zerologLevel is level in zerolog's terms. An error that the library reports is a warning here,
// since gossip goes on after it.
func zerologLevel(level slog.Level) zerolog.Level {
	switch {
	case level >= slog.LevelWarn:
		return zerolog.WarnLevel
	case level >= slog.LevelInfo:
		return zerolog.InfoLevel
	}
	return zerolog.DebugLevel
}
