package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/config"
)

// explainTimeout is how long a node may take to explain, which includes asking its origin.
const explainTimeout = 15 * time.Second

type explainCmd struct {
	URL string `arg:"" name:"url" help:"What a client asks for: http://127.0.0.1:9001/files/a, or /files/a."`

	Method  string   `default:"GET" placeholder:"METHOD" help:"Method of the request (${default})."`
	Header  []string `short:"H" sep:"none" placeholder:"FIELD: VALUE" help:"A field of the request, as in -H 'Accept-Encoding: gzip'; may be repeated."`
	NoProbe bool     `help:"Don't ask the origin, even if nothing is known of the resource."`
	JSON    bool     `name:"json" help:"Print JSON."`

	Admin       string      `placeholder:"HOST:PORT" group:"Addresses:" help:"Address of the node's admin listener, instead of the one that follows from the URL or the node's settings."`
	Listen      config.Addr `default:"127.0.0.1:9001" placeholder:"HOST:PORT" group:"Addresses:" help:"Address at which the node serves clients (${default})."`
	AdminListen config.Addr `placeholder:"HOST:PORT" group:"Addresses:" help:"Its address for operators (loopback, at the client port + 1000)."`

	AdminTokenFile config.File `placeholder:"FILE" group:"Addresses:" help:"File with the token that its admin listener wants."`

	Config string `placeholder:"FILE" group:"Settings:" help:"Settings file of the node."`
}

// Run prints what the node says.
func (c *explainCmd) Run(ctx context.Context, p process) error {
	address, err := c.adminAddress(p)
	if err != nil {
		return err
	}
	token, err := readAdminToken(c.AdminTokenFile, zerolog.Nop())
	if err != nil {
		return err
	}
	form := url.Values{"url": {c.URL}, "method": {c.Method}, "h": c.Header}
	if c.NoProbe {
		form.Set("probe", "0")
	}
	if c.JSON {
		form.Set("format", "json")
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	// The listener answers for localhost, whatever name it is reached by.
	res, body, err := askAdmin(ctx, "http://"+address+"/explain?"+form.Encode(), "localhost", token)
	if err != nil {
		return fmt.Errorf("no node answers at %s: %w; if its admin listener is elsewhere, name it "+
			"with --admin (its log tells the address)", address, err)
	}
	if err := rejected(address, res, body); err != nil {
		return err
	}
	_, err = p.stdout.Write(body)
	return err
}

// rejected is the error of an answer of the admin listener at address, or nil if it is a 200.
func rejected(address string, res *http.Response, body []byte) error {
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusBadRequest:
		var problem admin.Problem
		if json.Unmarshal(body, &problem) != nil {
			problem.Detail = string(bytes.TrimSpace(body)) // it is text
		}
		return usagef("%s", problem.Detail)
	case http.StatusUnauthorized:
		return usagef("the node at %s wants its token: give the file that has it as "+
			"--admin-token-file", address)
	}
	return fmt.Errorf("%s answers %s: is it the admin listener of a node? Name that with --admin",
		address, res.Status)
}

// adminAddress is the admin address to ask: --admin; else the one that follows from the port of the
// URL, if that isn't where the node of the settings serves clients; else that node's. It puts
// before the URL what may be left out of it.
func (c *explainCmd) adminAddress(p process) (string, error) {
	s, _, _ := strings.Cut(c.URL, "#")
	switch first, _, _ := strings.Cut(s, "/"); {
	case first == "", strings.Contains(s, "://"):
	case strings.Contains(first, ":"):
		s = "http://" + s
	default:
		s = "/" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Host != "" && u.Scheme != "http" && u.Scheme != "https" {
		return "", usagef("%q: expected a URL such as http://127.0.0.1:9001/files/a, or its path, "+
			"/files/a", c.URL)
	}
	c.URL = s
	if c.Admin != "" {
		address := strings.TrimSuffix(strings.TrimPrefix(c.Admin, "http://"), "/")
		if err := new(config.Addr).UnmarshalText([]byte(address)); err != nil {
			return "", usagef("--admin: %w", err)
		}
		return address, nil
	}
	port, err := net.LookupPort("tcp", cmp.Or(u.Port(), u.Scheme))
	if u.Host != "" && !c.serves(u.Hostname(), port) {
		if err != nil || port+1000 > math.MaxUint16 {
			return "", usagef("no admin address follows from %s, whose port + 1000 isn't one: "+
				"give --admin", u.Host)
		}
		return net.JoinHostPort(u.Hostname(), strconv.Itoa(port+1000)), nil
	}
	return adminOf(&config.Addresses{Listen: c.Listen, AdminListen: c.AdminListen}, p, "--admin")
}

// serves reports whether the node of the settings serves clients there, by the texts.
func (c *explainCmd) serves(host string, port int) bool {
	own, here := c.Listen.Host(), []string{"", "localhost", "127.0.0.1", "0.0.0.0", "::1", "::"}
	same := host == own || slices.Contains(here, host) && slices.Contains(here, own)
	return same && port == c.Listen.Port()
}
