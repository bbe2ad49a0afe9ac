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

func TestOpenMembership(t *testing.T) {
	tests := []struct {
		name                            string
		cluster                         config.Cluster
		fixed, reloads, gossips, leaves bool
	}{
		{"list", config.Cluster{Peers: "127.0.0.1:1,127.0.0.1:2"}, true, false, false, false},
		{"file", config.Cluster{Peers: config.PeerSource("file:" + string(write(t, "peers", []byte("127.0.0.1:1\n"))))}, false, true, false, false},
		{"dns", config.Cluster{Peers: "dns:localhost:1"}, false, false, false, false},
		{"gossip", config.Cluster{Self: "127.0.0.1:1", GossipListen: "127.0.0.1:0"}, false, false, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := openMembership(&config.Config{Cluster: tt.cluster}, zerolog.Nop())
			if err != nil {
				t.Fatal(err)
			}
			if m.close != nil {
				defer m.close()
			}
			if (m.members == nil) != tt.fixed || (len(m.peers) == 2) != tt.fixed {
				t.Errorf("the nodes are %q, or told by %v", m.peers, m.members)
			}
			if (m.reload != nil) != tt.reloads || (m.gossip != "") != tt.gossips || (m.leave != nil) != tt.leaves {
				t.Errorf("got %+v", m)
			}
		})
	}
}

// A list that is read again reaches who watches.
func TestPeersFileIsWatched(t *testing.T) {
	path := string(write(t, "peers", []byte("127.0.0.1:1")))
	m, err := openPeersFile(path, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	defer watching.Wait()
	defer stop()
	lists := make(chan []string, 2)
	watching.Go(func() {
		if err := m.members.Watch(ctx, func(nodes []string) { lists <- nodes }); err != nil {
			t.Error(err)
		}
	})
	if first := <-lists; !slices.Equal(first, []string{"127.0.0.1:1"}) {
		t.Errorf("first the nodes are %q", first)
	}
	if err := os.WriteFile(path, []byte("127.0.0.1:1\n127.0.0.1:2"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.reload()
	if second := <-lists; !slices.Equal(second, []string{"127.0.0.1:1", "127.0.0.1:2"}) {
		t.Errorf("then the nodes are %q", second)
	}
}
