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
	ctx   context.Context // when it has ended, nothing is purged any more
	mount string
	purge purgeFunc
	log   zerolog.Logger
}

// purgeFunc is Proxy.Purge.
type purgeFunc func(context.Context, proxy.PurgeRequest) (proxy.PurgeResult, error)

// maxNames is how many URLs one purge may have.
const maxNames = 500

// watchTime is how long a node that starts waits until all folders are watched. There may be very
// many.
const watchTime = 2 * time.Second

// followFolder begins to follow changes of the origin, if that is a folder. Where there can be no
// notice of them, they show when what is stored isn't fresh any more. Once stop has been called, no
// purge begins. A purge that is under way then may wait for another node for some seconds, and ends
// with the proxy: wait, which returns when nothing is followed any more, is for after that.
func followFolder(cfg *config.Config, purge purgeFunc, log zerolog.Logger) (
	stop, wait func() error,
) {
	none := func() error { return nil }
	if cfg.Origin.Dir == "" {
		return none, none
	}
	ctx, cancel := context.WithCancel(context.Background())
	stop = func() error { cancel(); return nil }
	f := follower{ctx: ctx, mount: string(cfg.Mount), purge: purge, log: log}
	w, err := watch.Open(watch.Config{
		Folder: cfg.Origin.Dir, Dotfiles: cfg.Dotfiles, Changed: f.changed, Log: log,
	})
	if err != nil {
		log.Warn().Err(config.FileProblem(err)).Msg("changes of the folder aren't noticed: they " +
			"show when what is stored isn't fresh any more")
		return stop, none
	}
	select {
	case <-w.Ready():
	case <-time.After(watchTime):
	}
	return stop, w.Close
}

// changed purges what isn't true any more after those changes.
func (f follower) changed(c watch.Changes) {
	for names := f.urls(c.Paths); len(names) > 0; {
		n := min(len(names), maxNames)
		f.ask(proxy.PurgeRequest{URLs: names[:n], Queries: true})
		names = names[n:]
	}
	// together, since each purge of prefixes looks at all
	trees := proxy.PurgeRequest{Queries: true}
	for _, tree := range c.Trees {
		if tree == "." { // files may be as they were: they are validated
			f.ask(proxy.PurgeRequest{Prefixes: []string{f.mount}, Soft: true})
			continue
		}
		trees.URLs = append(trees.URLs, f.url(path.Dir(tree)+"/"))
		trees.Prefixes = append(trees.Prefixes, f.url(tree))
	}
	if len(trees.Prefixes) > 0 {
		f.ask(trees)
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
	if f.ctx.Err() != nil {
		return
	}
	result, err := f.purge(f.ctx, q)
	switch {
	case f.ctx.Err() != nil: // nobody is served from here any more
	case err != nil:
		f.log.Error().Err(err).Msg("changes of the folder can't be purged")
	case !result.Complete():
		f.log.Warn().Msg("not every node knows of the changes in the folder: those that don't " +
			"learn of them when there is contact again")
	}
}
