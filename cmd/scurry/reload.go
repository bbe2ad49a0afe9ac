package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// reload reads again what the node was started with: the settings file, the list of peers, secrets
// and certificates. It opens the log's file again, too. It returns the changes that it has made. If
// anything is wrong, or can't change live, all settings stay as they were; the log's file is opened
// again even then.
func (n *node) reload() (changes []config.Change, err error) {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	if n.ready.Load() {
		tell(n.log, nowReloading(), "Reloading")
		defer func() { tell(n.log, nowReady, serving(err)) }()
	}
	if err = n.reopenLog(); err == nil {
		changes, err = n.takeOn()
	}
	n.noteReload(err == nil)
	if err != nil {
		n.log.Error().Err(joinLines(err)).Msg("not reloaded: the settings stay as they were")
		return nil, err
	}
	var names []string
	for _, c := range changes {
		names = append(names, c.Name)
	}
	n.log.Info().Strs("changed", names).Msg("reloaded")
	return changes, nil
}

// lastReload is whether the last reload has succeeded, and when the last did that has.
type lastReload struct {
	ok bool
	at time.Time
}

func (n *node) noteReload(ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.reloaded.ok = ok; ok {
		n.reloaded.at = time.Now()
	}
}

// lastReload tells whether the last reload has succeeded, and when the settings that count were
// read.
func (n *node) lastReload() (ok bool, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.reloaded.ok, n.reloaded.at
}

// serving is what a node does after a reload that has had this result.
func serving(reloaded error) string {
	if reloaded == nil {
		return "Serving"
	}
	return "Serving with the settings from before: " + reloaded.Error()
}

func (n *node) reopenLog() error {
	if n.logFile == nil {
		return nil
	}
	err := n.logFile.Reopen()
	if err != nil {
		err = fmt.Errorf("--log-file %s: can't open this file again: %w", n.settings().LogFile,
			config.FileProblem(err))
	}
	return err
}

// takeOn reads everything again before it changes anything.
func (n *node) takeOn() ([]config.Change, error) {
	last := n.settings()
	next, given, err := n.again()
	if err != nil {
		return nil, err
	}
	changes := last.Changes(next)
	if err := refuseFixed(changes); err != nil {
		return nil, err
	}
	members := n.cluster
	if next.Clustered() {
		if err := n.takeOnCluster(next, &members); err != nil {
			return nil, err
		}
	}
	return changes, n.apply(next, given, members)
}

// takeOnCluster reads again what nodes prove to each other by, and who they are. Whatever takes
// effect at once comes last.
func (n *node) takeOnCluster(next *config.Config, members *proxy.Cluster) error {
	if err := readCredentials(next, members, n.log); err != nil {
		return err
	}
	switch {
	case n.gossip != nil:
		keys, err := readGossipKeys(next.GossipKeyFile, n.clusterLog)
		if err != nil {
			return err
		}
		return n.gossip.SetKeys(keys)
	case n.peersFile != nil:
		return n.peersFile.Reload()
	case n.cluster.Members == nil:
		members.Peers = listedPeers(next)
	}
	return nil
}

// refuseFixed returns an error that names the changes which can't be made live.
func refuseFixed(changes []config.Change) error {
	var fixed []string
	for _, c := range changes {
		if !c.Live {
			fixed = append(fixed, c.String())
		}
	}
	if fixed == nil {
		return nil
	}
	return fmt.Errorf("this can't change while the node runs: %s; restart the node to change it, "+
		"or change it back", strings.Join(fixed, "; "))
}

// apply takes on settings that have been checked.
func (n *node) apply(
	next *config.Config, given config.Provenance, members proxy.Cluster,
) error {
	settings := proxyConfig(next, n.transport, &n.log)
	settings.Cluster = members
	if err := n.proxy.Update(settings); err != nil {
		return err
	}
	if server, ok := n.transport.(*origin.Server); ok {
		server.SetTimeouts(originTimeouts(next))
	}
	setLogLevel(next)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cfg, n.given = next, given
	return nil
}

// settings are those that count now.
func (n *node) settings() *config.Config {
	cfg, _ := n.settingsGiven()
	return cfg
}

// settingsGiven are the settings that count now, and where they come from.
func (n *node) settingsGiven() (*config.Config, config.Provenance) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cfg, n.given
}

// setLogLevel has less severe lines left out. The level belongs to the process, so that loggers
// that have been handed on obey it as well.
func setLogLevel(cfg *config.Config) {
	level, _ := zerolog.ParseLevel(cfg.LogLevel) // it is one of those that the flag may have
	zerolog.SetGlobalLevel(level)
}

// joinLines is err with the lines of several errors on one.
func joinLines(err error) error {
	return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
}

// reloadTime is how long a node may take to reload.
const reloadTime = 10 * time.Second

// serveReload answers POST /reload: 200 with a line for each change, or 422 with what is wrong.
func (n *node) serveReload(w http.ResponseWriter, r *http.Request) {
	changes, err := n.reload()
	if err != nil {
		admin.Refuse(w, r, http.StatusUnprocessableEntity, joinLines(err).Error())
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "reloaded")
	for _, c := range changes {
		fmt.Fprintln(w, c)
	}
}
