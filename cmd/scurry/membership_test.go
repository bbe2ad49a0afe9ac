package main

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
)

// openMembers returns a node that has the source of the list of nodes in c.
func openMembers(t *testing.T, c config.Cluster) *node {
	t.Helper()
	n := &node{cfg: &config.Config{Cluster: c}, log: zerolog.Nop()}
	n.cfg.PeerListen = "127.0.0.1:0"
	if err := n.openCluster(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.abandon)
	return n
}

func TestOpenCluster(t *testing.T) {
	tests := []struct {
		name                   string
		cluster                config.Cluster
		fixed, reloads, gossip bool
	}{
		{"list", config.Cluster{Peers: "127.0.0.1:1,127.0.0.1:2"}, true, false, false},
		{"file", config.Cluster{Peers: config.PeerSource("file:" + string(write(t, "peers",
			[]byte("127.0.0.1:1\n"))))}, false, true, false},
		{"dns", config.Cluster{Peers: "dns:localhost:1"}, false, false, false},
		{"gossip", config.Cluster{Self: "127.0.0.1:1", GossipListen: "127.0.0.1:0"}, false, false,
			true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := openMembers(t, tt.cluster)
			c := n.cluster
			if (c.Members == nil) != tt.fixed || (len(c.Peers) == 2) != tt.fixed {
				t.Errorf("the nodes are %q, or told by %v", c.Peers, c.Members)
			}
			if (n.peersFile != nil) != tt.reloads || (n.gossip != nil) != tt.gossip {
				t.Errorf("got %+v", n)
			}
		})
	}
}

// A list that is read again reaches who watches.
func TestPeersFileIsWatched(t *testing.T) {
	path := string(write(t, "peers", []byte("127.0.0.1:1")))
	n := openMembers(t, config.Cluster{Peers: config.PeerSource("file:" + path)})
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	defer watching.Wait()
	defer stop()
	lists := make(chan []string, 2)
	watching.Go(func() {
		if err := n.cluster.Members.Watch(ctx,
			func(nodes []string) { lists <- nodes }); err != nil {
			t.Error(err)
		}
	})
	if first := <-lists; !slices.Equal(first, []string{"127.0.0.1:1"}) {
		t.Errorf("first the nodes are %q", first)
	}
	if err := os.WriteFile(path, []byte("127.0.0.1:1\n127.0.0.1:2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.peersFile.Reload(); err != nil {
		t.Fatal(err)
	}
	if second := <-lists; !slices.Equal(second, []string{"127.0.0.1:1", "127.0.0.1:2"}) {
		t.Errorf("then the nodes are %q", second)
	}
}
