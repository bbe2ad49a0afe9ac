package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/mattn/go-isatty"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/warm"
)

type warmCmd struct {
	URLs []string `arg:"" optional:"" sep:"none" name:"url" help:"What clients ask for: http://127.0.0.1:9001/files/a, or /files/a."`

	File    []string `sep:"none" placeholder:"FILE" group:"URLs:" help:"File with a URL in each line; - is standard input. May be repeated."`
	Sitemap []string `sep:"none" placeholder:"URL" group:"URLs:" help:"Sitemap, by its URL or as a file, with all that it leads to. May be repeated."`
	Folder  []string `sep:"none" placeholder:"DIR" group:"URLs:" help:"Folder whose files are fetched as those under --mount: that which the node has as its origin. May be repeated."`

	Via         config.Addr  `placeholder:"HOST:PORT" group:"How:" help:"Node that is asked, whatever host the URLs have. Without it, each URL's host is asked, and for a path the node of --listen."`
	Concurrency config.Count `default:"8" placeholder:"N" group:"How:" help:"How many URLs are fetched at once (${default})."`
	Rate        config.Rate  `default:"0" placeholder:"N" group:"How:" help:"How many requests are sent in a second; 0 for any number (${default})."`
	Header      []string     `short:"H" sep:"none" placeholder:"FIELD: VALUE" group:"How:" help:"A field of the requests, instead of Accept-Encoding: gzip, deflate, br, zstd, as browsers send it. May be repeated."`
	Resume      config.File  `placeholder:"FILE" group:"How:" help:"File that notes what has been fetched: the same command goes on from there. It is removed when all is fetched."`

	warmNode `embed:""`

	Listen config.Addr  `default:"127.0.0.1:9001" placeholder:"HOST:PORT" group:"Addresses:" help:"Address at which the node serves clients (${default})."`
	Mount  config.Mount `default:"/files/" placeholder:"PATH" group:"Addresses:" help:"Path under which it does (${default})."`
	Config string       `placeholder:"FILE" group:"Settings:" help:"Settings file of the node."`
}

// Run fetches the URLs, and prints a summary.
func (c *warmCmd) Run(ctx context.Context, p process) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	cfg, err := c.settings()
	if err != nil {
		return err
	}
	urls, err := warm.Collect(c.sources(ctx)...)
	if err != nil {
		return err
	}
	if c.Resume != "" {
		if cfg.Journal, err = warm.OpenJournal(string(c.Resume)); err != nil {
			return fmt.Errorf("--resume: %w", err)
		}
	}
	progress := warm.NewProgress(p.stderr, terminal(p.stderr), len(urls))
	cfg.Tell = progress.Tell
	fetch := warm.Run
	if c.Admin != "" {
		fetch = c.ask
	}
	sum, err := fetch(ctx, cfg, urls)
	progress.Close()
	cfg.Client.CloseIdleConnections()
	failed := sum.Count[warm.Failed]
	journal := cfg.Journal.Close(err == nil && failed == 0)
	if err != nil && ctx.Err() == nil && sum.Total() == 0 { // the node refuses
		return err
	}
	fmt.Fprintln(p.stdout, sum)
	switch {
	case err != nil && ctx.Err() == nil:
		return err
	case err != nil && c.Resume != "":
		return errors.New("interrupted: the same command goes on with what is left")
	case err != nil:
		return errors.New("interrupted")
	case failed > 0:
		return fmt.Errorf("%d of %d URLs failed", failed, len(urls))
	}
	return journal
}

// settings are how URLs are fetched, but for the Journal.
func (c *warmCmd) settings() (cfg warm.Config, err error) {
	if len(c.URLs)+len(c.File)+len(c.Sitemap)+len(c.Folder) == 0 {
		return cfg, usagef("nothing to fetch: give URLs, or --file, --sitemap or --folder " +
			"(--file - reads standard input)")
	}
	if c.Concurrency == 0 {
		return cfg, usagef("--concurrency 0: one URL at a time is the least")
	}
	if c.Admin != "" && c.Via != "" {
		return cfg, usagef("--admin has a node fetch by itself, and --via fetches through one: " +
			"give one of them")
	}
	cfg = warm.Config{
		Concurrency: int(c.Concurrency), Rate: float64(c.Rate), Via: string(c.Via),
		Node: reachable(c.Listen),
		Client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: int(c.Concurrency)},
			CheckRedirect: noRedirect,
		},
		Header: warm.DefaultHeader(),
	}
	for _, field := range c.Header {
		name, value, ok := strings.Cut(field, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return cfg, usagef("-H %q: expected a field such as 'Accept-Encoding: gzip'", field)
		}
		cfg.Header.Set(name, strings.TrimSpace(value))
	}
	return cfg, nil
}

// sources are where the URLs come from.
func (c *warmCmd) sources(ctx context.Context) []warm.URLs {
	sources := []warm.URLs{warm.Listed(c.URLs)}
	for _, name := range c.File {
		sources = append(sources, warm.Lines(name))
	}
	for _, location := range c.Sitemap {
		sources = append(sources, warm.Sitemap(ctx, http.DefaultClient, location))
	}
	for _, dir := range c.Folder {
		sources = append(sources, warm.Folder(dir, string(c.Mount)))
	}
	return sources
}

// terminal reports whether w is one.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// reachable is the address by which this machine reaches a listener.
func reachable(a config.Addr) string {
	host := a.Host()
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, fmt.Sprint(a.Port()))
}
