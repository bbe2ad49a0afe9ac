package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/origin"
)

// openOrigin opens what c.Origin names. The caller closes it.
func openOrigin(c *config.Config) (http.RoundTripper, io.Closer, error) {
	if c.Origin.URL() != nil {
		server := httpOrigin(c)
		return server, closer(server.CloseIdleConnections), nil
	}
	dir, err := origin.OpenDir(c.Origin.Dir())
	if err != nil {
		return nil, nil, folderError(c.Origin.Dir(), err)
	}
	dir.Browse, dir.Dotfiles = c.Browse, c.Dotfiles
	return dir, dir, nil
}

func httpOrigin(c *config.Config) *origin.Server {
	server := origin.HTTP(c.Origin.URL())
	server.Host = c.OriginHost
	server.DialTimeout = time.Duration(c.OriginDialTimeout)
	server.TLSTimeout = time.Duration(c.OriginTLSTimeout)
	server.HeaderTimeout = time.Duration(c.OriginHeaderTimeout)
	server.BodyTimeout = time.Duration(c.OriginBodyTimeout)
	server.IdleTimeout = time.Duration(c.OriginIdleTimeout)
	server.ProxyFromEnvironment = c.OriginProxyEnv
	return server
}

// folderError says in the user's terms why the folder at path can't be opened.
func folderError(path string, err error) error {
	missing := errors.Is(err, fs.ErrNotExist)
	if missing && config.LooksLikeHost(path) {
		return usageError{fmt.Errorf("--origin %s: there is no such folder; "+
			"if a server is meant, write http://%s", path, path)}
	}
	if missing {
		return fmt.Errorf("--origin %s: there is no such folder", path)
	}
	var atPath *fs.PathError
	if errors.As(err, &atPath) {
		return fmt.Errorf("--origin %s: can't open this folder: %w", path, atPath.Err)
	}
	return fmt.Errorf("--origin %s: %w", path, err)
}

// closer is a function as an io.Closer.
type closer func()

// Close calls c.
func (c closer) Close() error {
	c()
	return nil
}
