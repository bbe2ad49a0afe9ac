package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// TestUpdateLimits: limits of freshness hold for what is stored or validated after their change.
func TestUpdateLimits(t *testing.T) {
	oneNode(t)
	now := newClock()
	o := origintest.New(t)
	o.Now = now.Now
	server := origin.HTTP(o.Base)
	t.Cleanup(server.CloseIdleConnections)
	cfg := proxy.Config{Origin: server, Now: now.Now, NegativeTTL: time.Minute, MaxStale: -1}
	n := newNode(t, cfg)
	for _, path := range []string{"/gone", "/new"} {
		o.Handle(path, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "gone", 404) })
	}
	n.cacheStatus(n.expect(404, []byte("gone\n"), "/files/gone"),
		"fwd=uri-miss; fwd-status=404; stored")

	cfg.NegativeTTL, cfg.MaxStale = 10*time.Second, time.Hour
	if err := n.Update(cfg); err != nil {
		t.Fatal(err)
	}
	n.cacheStatus(n.expect(404, []byte("gone\n"), "/files/gone"), "hit; ttl=60")
	n.expect(404, []byte("gone\n"), "/files/new")
	n.cacheStatus(n.expect(404, []byte("gone\n"), "/files/new"), "hit; ttl=10")

	now.Advance(time.Minute)
	broken := func(w http.ResponseWriter, r *http.Request) { http.Error(w, "broken", 500) }
	o.Handle("/gone", broken)
	o.Handle("/new", broken)
	n.expect(404, []byte("gone\n"), "/files/new") // stale, which it may be now
	n.expect(500, []byte("broken\n"), "/files/gone")
}

// TestUpdateInvalid: nothing changes if something is wrong.
func TestUpdateInvalid(t *testing.T) {
	oneNode(t)
	n, o := fronting(t, proxy.Config{})
	o.Handle("/gone", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "gone", 404) })
	if err := n.Update(proxy.Config{NegativeTTL: time.Hour, Mount: "no path",
		Origin: http.DefaultTransport}); err == nil {
		t.Error("no error")
	}
	n.expect(404, []byte("gone\n"), "/files/gone")
	n.cacheStatus(n.expect(404, []byte("gone\n"), "/files/gone"), "hit; ttl=10")
}

// TestUpdateCluster: a node takes on another list of peers and another secret. TLS can't be turned
// on.
func TestUpdateCluster(t *testing.T) {
	var cfgs [3]proxy.Config
	c := newCluster(t, 3, proxy.Config{Cluster: proxy.Cluster{Secret: []byte("a secret of 16 b")}},
		func(i int, cfg *proxy.Config) { cfgs[i] = *cfg })
	update := func(i int, secret string, peers []string) {
		t.Helper()
		cfg := cfgs[i]
		cfg.Cluster.Listener = origintest.Listen(t)
		defer cfg.Cluster.Listener.Close()
		cfg.Cluster.Peers, cfg.Cluster.Secret = peers, []byte(secret)
		if err := c.nodes[i].Update(cfg); err != nil {
			t.Error(err)
		}
		cfg.Cluster.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert,
			ClientCAs: x509.NewCertPool(), RootCAs: x509.NewCertPool()}
		if err := c.nodes[i].Update(cfg); err == nil {
			t.Error("TLS can be turned on")
		}
	}
	for i := range 2 {
		update(i, "another of 16 by", c.names[:2])
	}
	update(2, "a secret of 16 b", c.names[2:])
	c.await(2)
	for i := range 3 { // the last one has the secret that the others had
		update(i, []string{"another of 16 by", "another of 16 by", "a secret of 16 b"}[i], c.names)
	}
	eventually(t, "the others refuse it", func() bool { return c.nodes[2].Stats().PeersRefused > 0 })
	c.await(2)
	update(2, "another of 16 by", c.names)
	eventually(t, "the ring has all", func() bool {
		return slices.Equal(c.nodes[2].Stats().Ring, slices.Sorted(slices.Values(c.names)))
	})
	c.await(3)
}
