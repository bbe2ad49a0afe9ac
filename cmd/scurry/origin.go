package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/origin"
)

// openOrigin opens the origin that c names, and returns a func to close it.
func openOrigin(c *config.Config) (http.RoundTripper, func() error, error) {
	if c.Origin.URL != nil {
		server := httpOrigin(c)
		return server, func() error { server.CloseIdleConnections(); return nil }, nil
	}
	dir, err := origin.OpenDir(c.Origin.Dir)
	if err != nil {
		return nil, nil, folderError(c.Origin.Dir, err)
	}
	dir.Browse, dir.Dotfiles = c.Browse, c.Dotfiles
	return dir, dir.Close, nil
}

func httpOrigin(c *config.Config) *origin.Server {
	server := origin.HTTP(c.Origin.URL)
	server.Host = c.OriginHost
	server.SetTimeouts(originTimeouts(c))
	server.ProxyFromEnvironment = c.OriginProxyEnv
	return server
}

func originTimeouts(c *config.Config) origin.Timeouts {
	return origin.Timeouts{
		DialTimeout:   time.Duration(c.OriginDialTimeout),
		TLSTimeout:    time.Duration(c.OriginTLSTimeout),
		HeaderTimeout: time.Duration(c.OriginHeaderTimeout),
		BodyTimeout:   time.Duration(c.OriginBodyTimeout),
		IdleTimeout:   time.Duration(c.OriginIdleTimeout),
	}
}

// folderError says in the user's terms why the folder at path can't be opened.
func folderError(path string, err error) error {
	missing := errors.Is(err, fs.ErrNotExist)
	if missing && config.LooksLikeHost(path) {
		return usagef("--origin %s: there is no such folder; "+
			"if a server is meant, write http://%s", path, path)
	}
	if missing {
		return fmt.Errorf("--origin %s: there is no such folder", path)
	}
	return fmt.Errorf("--origin %s: can't open this folder: %w", path, config.FileProblem(err))
}
