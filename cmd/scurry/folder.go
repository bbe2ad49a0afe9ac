package main

import (
	"context"
	"net/url"
	"path"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/watch"
	"github.com/scurrycache/scurry/proxy"
)

// watchFolder has changes of the folder that is the origin show at once, on all nodes. What can't be
// watched changes when the freshness of what is stored ends, as without a watch.
func (n *node) watchFolder() {
	cfg := n.settings()
	if cfg.Origin.URL != nil {
		return
	}
	log := n.log.With().Str("part", "watch").Logger()
	folder, err := watch.Open(watch.Config{
		Folder: cfg.Origin.Dir, Dotfiles: cfg.Dotfiles, Log: log,
		Changed: func(c watch.Changes) {
			for _, q := range purgesOf(c, cfg.Mount) {
				if _, err := n.proxy.Purge(context.Background(), q); err != nil {
					log.Error().Err(err).Msg("a change of the folder can't be purged")
				}
			}
		},
	})
	if err != nil {
		log.Warn().Err(err).Msg("the folder isn't watched: its changes show when what is stored " +
			"isn't fresh any more")
		return
	}
	n.closers = append(n.closers, folder.Close)
	go func() {
		<-folder.Ready()
		log.Debug().Msg("the folder is watched")
	}()
}

// purgesOf are the purges that changes below a folder ask for. A path goes, whether it is a file or
// a folder, and so does the folder that it is in, which may be listed. Of a tree anything may have
// changed, or nothing: what is stored of it is validated.
func purgesOf(c watch.Changes, mount config.Mount) (purges []proxy.PurgeRequest) {
	if len(c.Paths) > 0 {
		q := proxy.PurgeRequest{Queries: true}
		seen := map[string]bool{}
		for _, name := range c.Paths {
			for _, p := range []string{name, name + "/", path.Dir(name) + "/"} {
				if !seen[p] {
					seen[p] = true
					q.URLs = append(q.URLs, urlOf(p, mount))
				}
			}
		}
		purges = append(purges, q)
	}
	if len(c.Trees) > 0 {
		q := proxy.PurgeRequest{Soft: true}
		for _, name := range c.Trees {
			q.Prefixes = append(q.Prefixes, urlOf(name+"/", mount))
		}
		purges = append(purges, q)
	}
	return purges
}

// urlOf is the URL of a name below the folder, as clients ask for it; that of "./" is the folder's.
func urlOf(name string, mount config.Mount) string {
	if name == "./" || name == "." {
		name = ""
	}
	return (&url.URL{Path: string(mount) + name}).EscapedPath()
}
