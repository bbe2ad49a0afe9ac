package main

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/dashboard"
	"github.com/scurrycache/scurry/internal/listen"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/metrics"
	"github.com/scurrycache/scurry/proxy"
)

// report is what a node tells its operators, and what that is drawn from.
type report struct {
	settings  func() (*config.Config, config.Provenance)
	reload    http.HandlerFunc
	reloaded  func() (ok bool, at time.Time)
	token     []byte
	started   time.Time
	ready     func() bool
	draining  <-chan struct{}
	proxy     *proxy.Proxy
	client    *listen.Server
	lines     *logging.Queue
	listeners []listening
}

// listening is a listener that is open.
type listening struct {
	name string
	net.Listener
}

// admin is r for the admin listener.
func (r *report) admin() admin.Config {
	cfg, _ := r.settings()
	return admin.Config{
		Ready:    r.ready,
		Checks:   r.checks,
		Draining: r.draining,
		Explain:  r.proxy.Explain,
		Version:  r.version(),
		Settings: r.allSettings,
		Peers:    r.peers,
		Stats:    r.stats,
		Files:    r.files,
		Errors:   r.errors,

		Dashboard: dashboard.Handler(),

		Metrics: metrics.Handler(metrics.New(r.metrics())),
		Host:    cfg.AdminListen.Host(),
		Reload:  r.reload,
		Purge:   r.proxy.PurgeHandler(),
		Warm:    admin.NewWarm(r.proxy.Warmer(), r.draining),
		Token:   r.token,
	}
}

func (r *report) version() *admin.Version {
	info := build()
	return &admin.Version{
		Version: cmp.Or(info.Main.Version, "(devel)"), Revision: setting(info, "vcs.revision"),
		GoVersion: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Started: r.started.UTC(),
	}
}

// metrics is where the metrics come from.
func (r *report) metrics() metrics.Config {
	v := r.version()
	return metrics.Config{
		Stats: r.proxy.Stats, Ready: r.ready,
		Connections: r.client.Connections, Refused: r.client.Refused,
		RefusedConnections: r.client.RefusedConns,
		Dropped:            r.lines.Dropped,
		Reloaded:           r.reloaded,
		Version:            v.Version, Revision: v.Revision, GoVersion: v.GoVersion,
	}
}

// setting is a setting of the build, or "" if it isn't known.
func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

func (r *report) allSettings() (all []admin.Setting) {
	cfg, given := r.settings()
	for _, v := range cfg.Report(given) {
		all = append(all, admin.Setting(v))
	}
	return all
}

func (r *report) peers() admin.Peers {
	s := r.proxy.Stats()
	out := admin.Peers{
		Self: s.Self, RingEpoch: s.RingEpoch, Ring: []admin.RingNode{}, Peers: []admin.Peer{},
	}
	for _, share := range r.proxy.Shares() {
		out.Ring = append(out.Ring, admin.RingNode(share))
	}
	for _, p := range s.Peers {
		out.Peers = append(out.Peers, admin.Peer{
			Name: p.Name, State: p.State, Since: p.Since.UTC(), Failure: p.Failure,
			Requests: p.Requests, Errors: p.Errors, LatencySeconds: p.Latency.Seconds(),
			ReceivedBytes: p.BytesIn, SentBytes: p.BytesOut,
		})
	}
	return out
}

// checks are what an operator looks at first when something is wrong.
func (r *report) checks() (all []admin.Check) {
	s, ready := r.proxy.Stats(), r.ready()
	for _, l := range r.listeners {
		all = append(all, admin.Check{Name: l.name, Fine: ready || l.name != "clients",
			Text: "listens at " + l.Addr().String()})
	}
	all = append(all, originCheck(s.Origin))
	for _, p := range s.Peers {
		all = append(all, peerCheck(p))
	}
	draining := admin.Check{Name: "draining", Fine: true, Text: "no"}
	if r.drains() {
		draining = admin.Check{Name: "draining", Text: "yes"}
	}
	return append(all, draining)
}

// drains reports whether the node has begun to drain.
func (r *report) drains() bool {
	select {
	case <-r.draining:
		return true
	default:
		return false
	}
}

// originCheck tells how the origin was seen last.
func originCheck(seen proxy.OriginSeen) admin.Check {
	c := admin.Check{Name: "origin", Fine: true, Text: "hasn't been asked yet"}
	switch {
	case seen.LastError.After(seen.LastSuccess):
		c.Fine = false
		c.Text = fmt.Sprintf("failed %s: %s", ago(seen.LastError), oneLine(seen.Failure))
	case !seen.LastSuccess.IsZero():
		c.Text = "answered " + ago(seen.LastSuccess)
	}
	return c
}

func peerCheck(p proxy.PeerStats) admin.Check {
	c := admin.Check{Name: "peer " + p.Name, Fine: p.State == "live" || p.State == "itself"}
	c.Text = fmt.Sprintf("%s since %s", p.State, ago(p.Since))
	if p.Failure != "" && !c.Fine {
		c.Text += ": " + oneLine(p.Failure)
	}
	return c
}

func ago(t time.Time) string { return humanize.RelTime(t, time.Now(), "ago", "from now") }

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
