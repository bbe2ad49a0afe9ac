package main

import (
	"fmt"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/cluster"
	"github.com/scurrycache/scurry/proxy"
)

// membership is the source of the list of nodes. Its funcs are nil if there is nothing to do.
type membership struct {
	peers   []string      // all nodes, if they don't change
	members proxy.Members // the source of a list that changes, or nil
	gossip  string        // where this node gossips, if it does

	reload func() // reads the file of peers again
	leave  func() // notifies the others by gossip that this node is about to stop
	close  func() error
}

func openPeersFile(path string, log zerolog.Logger) (membership, error) {
	file, err := cluster.OpenFile(path)
	if err != nil {
		return membership{}, fmt.Errorf("--peers file:%s: %w", path, err)
	}
	reload := func() {
		if err := file.Reload(); err != nil {
			log.Error().Err(err).Msg("peers file not read again")
			return
		}
		log.Info().Str("file", path).Msg("peers file read again")
	}
	return membership{members: file, reload: reload}, nil
}
