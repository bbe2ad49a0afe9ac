package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/config"
)

// explainTimeout is how long a node may take to explain, which includes asking its origin.
const explainTimeout = 15 * time.Second

// maxExplanation bounds what is read of an explanation.
const maxExplanation = 4 << 20

type explainCmd struct {
	URL string `arg:"" name:"url" help:"What a client asks for: http://127.0.0.1:9001/files/a, or /files/a."`

	Method  string   `default:"GET" placeholder:"METHOD" help:"Method of the request (${default})."`
	Header  []string `short:"H" sep:"none" placeholder:"FIELD: VALUE" help:"A field of the request, as in -H 'Accept-Encoding: gzip'; may be repeated."`
	NoProbe bool     `help:"Don't ask the origin, even if nothing is known of the resource."`
	JSON    bool     `name:"json" help:"Print JSON."`

	Admin       string      `placeholder:"HOST:PORT" group:"Addresses:" help:"Address of the node's admin listener, instead of the one that follows from the URL or the node's settings."`
	Listen      config.Addr `default:"127.0.0.1:9001" placeholder:"HOST:PORT" group:"Addresses:" help:"Address at which the node serves clients (${default})."`
	AdminListen config.Addr `placeholder:"HOST:PORT" group:"Addresses:" help:"Its address for health checks (loopback, at the client port + 1000)."`
	Config      string      `placeholder:"FILE" group:"Settings:" help:"Settings file of the node."`
}

// Run prints what the node says.
func (c *explainCmd) Run(ctx context.Context, p process) error {
	asked, err := c.asked()
	if err != nil {
		return err
	}
	at, err := c.adminAddress(asked, p)
	if err != nil {
		return err
	}
	form := url.Values{"url": {written(asked)}, "method": {c.Method}, "h": c.Header}
	if c.NoProbe {
		form.Set("probe", "0")
	}
	if c.JSON {
		form.Set("format", "json")
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	return explanation(ctx, p.stdout, at, form)
}

// asked is the URL to explain, a path with the slash that may be left out.
func (c *explainCmd) asked() (*url.URL, error) {
	s := c.URL
	if !strings.Contains(s, "://") && !strings.HasPrefix(s, "/") {
		if first, _, _ := strings.Cut(s, "/"); strings.Contains(first, ":") {
			s = "http://" + s
		} else {
			s = "/" + s
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Host != "" && u.Scheme != "http" && u.Scheme != "https" {
		return nil, usageError{fmt.Errorf(
			"%q: expected a URL such as http://127.0.0.1:9001/files/a, or its path, /files/a", c.URL)}
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.User, u.Fragment = nil, "" // which no request has
	return u, nil
}

// written is u with its path as it was written, which String doesn't show if it has a character
// that should be escaped.
func written(u *url.URL) string {
	if u.RawPath == "" || u.RawPath == u.EscapedPath() {
		return u.String()
	}
	c := url.URL{Scheme: u.Scheme, Opaque: u.RawPath, RawQuery: u.RawQuery,
		ForceQuery: u.ForceQuery}
	if u.Host != "" {
		c.Opaque = "//" + u.Host + u.RawPath
	}
	return c.String()
}

// adminAddress is the admin address to ask: --admin; else the one that follows from the port of u,
// if u isn't where the node of the settings serves clients; else that node's.
func (c *explainCmd) adminAddress(u *url.URL, p process) (string, error) {
	if c.Admin != "" {
		address := strings.TrimSuffix(strings.TrimPrefix(c.Admin, "http://"), "/")
		if err := new(config.Addr).UnmarshalText([]byte(address)); err != nil {
			return "", usageError{fmt.Errorf("--admin: %w", err)}
		}
		return address, nil
	}
	if u.Host != "" && !c.serves(u) {
		port, err := strconv.Atoi(portOf(u))
		if err != nil || port+1000 > 65535 {
			return "", usageError{fmt.Errorf(
				"no admin address follows from %s, whose port + 1000 isn't one: give --admin", u.Host)}
		}
		return net.JoinHostPort(u.Hostname(), strconv.Itoa(port+1000)), nil
	}
	addresses := config.Addresses{Listen: c.Listen, AdminListen: c.AdminListen}
	if err := derive(&addresses, nil, p); err != nil {
		return "", err
	}
	if addresses.AdminListen.Port() == 0 {
		return "", usageError{errors.New("the node picks its admin port when it starts: " +
			"take the address from its log, and give it as --admin")}
	}
	return string(addresses.AdminListen), nil
}

// serves reports whether u is at the address of the settings, by their texts.
func (c *explainCmd) serves(u *url.URL) bool {
	if portOf(u) != strconv.Itoa(c.Listen.Port()) {
		return false
	}
	here := func(host string) bool {
		ip := net.ParseIP(host)
		return host == "" || host == "localhost" || ip.IsLoopback() || ip.IsUnspecified()
	}
	return u.Hostname() == c.Listen.Host() || here(u.Hostname()) && here(c.Listen.Host())
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// explanation asks the admin listener at the address, and copies what it answers to w.
func explanation(ctx context.Context, w io.Writer, address string, form url.Values) error {
	target := url.URL{Scheme: "http", Host: address, Path: "/explain", RawQuery: form.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return usageError{err}
	}
	// The listener answers for this, whatever name it is reached by.
	req.Host = "localhost"
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	res, err := client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the whole request
		}
		return fmt.Errorf("no node answers at %s: %w; if its admin listener is elsewhere, "+
			"name it with --admin (its log tells the address)", address, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxExplanation))
	switch {
	case err != nil:
		return fmt.Errorf("the explanation from %s broke off: %w", address, err)
	case res.StatusCode == http.StatusBadRequest:
		return usageError{errors.New(strings.TrimSpace(string(body)))}
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s answers %s: is it the admin listener of a node? "+
			"Name that with --admin", address, res.Status)
	}
	_, err = w.Write(body)
	return err
}
