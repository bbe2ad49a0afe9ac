package main

import (
	"context"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/watch"
	"github.com/scurrycache/scurry/proxy"
)

// follower purges what has changed in the folder that is the origin, on all nodes.
type follower struct {
	mount string
	purge func(context.Context, proxy.PurgeRequest) (proxy.PurgeResult, error)
	log   zerolog.Logger
}

// purgeTime is how long the nodes may take to acknowledge a purge.
const purgeTime = 5 * time.Second

// maxNames is how many URLs one purge may have.
const maxNames = 500

// watchTime is how long a node that starts waits until all folders are watched. There may be very
// many.
const watchTime = 2 * time.Second

// followFolder begins to follow changes of the origin, if that is a folder, and returns a func to
// end that. Where there can be no notice of them, they show when what is stored isn't fresh any
// more.
func followFolder(cfg *config.Config, p *proxy.Proxy, log zerolog.Logger) (end func() error) {
	none := func() error { return nil }
	if cfg.Origin.Dir == "" {
		return none
	}
	f := follower{mount: string(cfg.Mount), purge: p.Purge, log: log}
	w, err := watch.Open(watch.Config{
		Folder: cfg.Origin.Dir, Dotfiles: cfg.Dotfiles, Changed: f.changed, Log: log,
	})
	if err != nil {
		log.Warn().Err(config.FileProblem(err)).Msg("changes of the folder aren't noticed: they " +
			"show when what is stored isn't fresh any more")
		return none
	}
	select {
	case <-w.Ready():
	case <-time.After(watchTime):
	}
	return w.Close
}

// changed purges what isn't true any more after those changes.
func (f follower) changed(c watch.Changes) {
	for names := f.urls(c.Paths); len(names) > 0; {
		n := min(len(names), maxNames)
		f.ask(proxy.PurgeRequest{URLs: names[:n], Queries: true})
		names = names[n:]
	}
	for _, tree := range c.Trees {
		if tree == "." { // files may be as they were: they are validated
			f.ask(proxy.PurgeRequest{Prefixes: []string{f.mount}, Soft: true})
			continue
		}
		f.ask(proxy.PurgeRequest{URLs: []string{f.url(path.Dir(tree) + "/")}, Queries: true,
			Prefixes: []string{f.url(tree)}})
	}
}

// urls returns what shows the files of those names: each by itself, and its folder, which may list
// it or show it as the index.
func (f follower) urls(names []string) (all []string) {
	last := ""
	for _, name := range names { // which are sorted
		if folder := f.url(path.Dir(name) + "/"); folder != last {
			all, last = append(all, folder), folder
		}
		all = append(all, f.url(name), f.url(name+"/"))
	}
	return all
}

// url returns the URL at which clients find what has that name, a folder if it ends in a slash.
func (f follower) url(name string) string {
	name = strings.TrimPrefix(name, "./")
	return (&url.URL{Path: f.mount + name}).EscapedPath()
}

func (f follower) ask(q proxy.PurgeRequest) {
	ctx, cancel := context.WithTimeout(context.Background(), purgeTime)
	defer cancel()
	result, err := f.purge(ctx, q)
	if err == nil && !result.Complete() {
		f.log.Warn().Msg("not every node knows of the changes in the folder: those that don't " +
			"learn of them when there is contact again")
	}
	if err != nil {
		f.log.Error().Err(err).Msg("changes of the folder can't be purged")
	}
}
