package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
)

// childVariable is set in the environment of a process that is to serve: to its address, and to the
// URL of the origin if it isn't the origin itself.
const childVariable = "BENCH_SERVE"

// serveAsChild serves, if this process has been started to do so, until it is ended.
func serveAsChild() {
	listen, base, _ := strings.Cut(os.Getenv(childVariable), " ")
	if listen == "" {
		return
	}
	handler := http.Handler(http.HandlerFunc(serveZeros))
	if target, err := url.Parse(base); base != "" && err == nil {
		handler = &httputil.ReverseProxy{
			Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		}
	}
	fmt.Fprintln(os.Stderr, "bench:", http.ListenAndServe(listen, handler))
	os.Exit(1)
}

// startWays starts the origin, which comes first, and the servers in front of it.
func startWays(ctx context.Context, dir string) (ways []*way, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	binary, err := buildScurry(ctx, dir)
	if err != nil {
		return nil, err
	}
	ways = []*way{}
	add := func(s server) {
		if err == nil {
			var r *running
			if r, err = s.launch(ctx, 1, "nice", "-n", "0"); err == nil {
				ways = append(ways, newWay(r))
			}
		}
	}
	add(server{"direct", child(self, ""), "/"})
	if err != nil {
		return ways, err
	}
	base := strings.TrimSuffix(ways[0].url, "/")
	add(server{scurry, func(port int, _ int64) ([]string, error) {
		return []string{binary, "serve", "--listen", address(port), "--admin-listen", "127.0.0.1:0",
			"--origin", base, "--log-format", "json"}, nil
	}, "/files/"})
	add(server{"ReverseProxy", child(self, base), "/"})
	if _, missing := exec.LookPath("nginx"); missing != nil {
		leftOut(noNginx)
	} else {
		add(server{nginxLogged, nginxCommand(dir, base, "log"), "/"})
	}
	if _, missing := exec.LookPath("varnishd"); missing != nil {
		leftOut(noVarnish)
	} else {
		add(server{varnish, varnishCommand(dir, base, "3g"), "/"})
	}
	if binary, missing := compile(ctx, dir, relay, relaySource); missing != nil {
		leftOut(missing)
	} else {
		add(server{relay, relayTo(binary, strings.TrimPrefix(base, "http://")), "/"})
	}
	return ways, err
}

// child is how this program is started as a server.
func child(self, base string) func(int, int64) ([]string, error) {
	return func(port int, _ int64) ([]string, error) {
		return []string{"env", childVariable + "=" + address(port) + " " + base, self}, nil
	}
}

// newWay is a way by one connection, which is kept.
func newWay(r *running) *way {
	w := &way{running: r}
	w.url = strings.TrimSuffix(w.url, "1")
	w.client.Transport = &http.Transport{DisableCompression: true, MaxConnsPerHost: 1}
	return w
}
