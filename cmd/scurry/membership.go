package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/cluster"
	"github.com/scurrycache/scurry/proxy"
)

// membership is how a node learns who the nodes are. The funcs are nil if there is nothing to do.
type membership struct {
	peers   []string // all nodes, if they don't change
	members *heard   // what tells which they are, if anything does
	gossip  string   // where this node gossips, if it does

	reload func() // reads the file of peers again
	leave  func() // tells the others by gossip that this node is about to stop
	close  func() error
}

// heard is what tells which nodes there are, and whether it has told yet.
type heard struct {
	proxy.Members
	once sync.Once
	told chan struct{} // closed when it has
}

func newHeard(m proxy.Members) *heard { return &heard{Members: m, told: make(chan struct{})} }

// Watch implements proxy.Members.
func (h *heard) Watch(ctx context.Context, set func(nodes []string)) error {
	return h.Members.Watch(ctx, func(nodes []string) {
		set(nodes)
		h.once.Do(func() { close(h.told) })
	})
}

func openPeersFile(path string, log zerolog.Logger) (membership, error) {
	file, err := cluster.OpenFile(path)
	if err != nil {
		return membership{}, fmt.Errorf("--peers file:%s: %w", path, err)
	}
	var problem error // of the reload that is going on: there is one at a time
	file.Problem = func(err error) { problem = err }
	reload := func() {
		problem = nil
		file.Reload()
		if problem != nil {
			log.Error().Err(problem).Msg("peers file not read again")
			return
		}
		log.Info().Str("file", path).Msg("peers file read again")
	}
	return membership{members: newHeard(file), reload: reload}, nil
}
