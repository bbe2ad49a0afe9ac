package main

import (
	"cmp"
	"context"
	"math"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// explainTimeout is how long a node may take to explain, which includes asking its origin.
const explainTimeout = 15 * time.Second

type explainCmd struct {
	URL string `arg:"" name:"url" help:"What a client asks for: http://127.0.0.1:9001/files/a, or /files/a."`

	Method  string   `default:"GET" placeholder:"METHOD" help:"Method of the request (${default})."`
	Header  []string `short:"H" sep:"none" placeholder:"FIELD: VALUE" help:"A field of the request, as in -H 'Accept-Encoding: gzip'; may be repeated."`
	NoProbe bool     `help:"Don't ask the origin, even if nothing is known of the resource."`
	JSON    bool     `name:"json" help:"Print JSON."`

	adminNode `embed:""`
}

// Run prints what the node says.
func (c *explainCmd) Run(ctx context.Context, p process) error {
	address, err := c.adminAddress(p)
	if err != nil {
		return err
	}
	token, err := readToken(c.AdminTokenFile)
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
	target := "http://" + address + "/explain?" + form.Encode()
	res, body, err := callAdmin(ctx, "GET", target, "localhost", token)
	if err != nil {
		return noAnswer(address, err)
	}
	if err := rejected(address, res, body); err != nil {
		return err
	}
	_, err = p.stdout.Write(body)
	return err
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
		return c.address(p)
	}
	port, err := net.LookupPort("tcp", cmp.Or(u.Port(), u.Scheme))
	if u.Host != "" && !c.serves(u.Hostname(), port) {
		if err != nil || port+1000 > math.MaxUint16 {
			return "", usagef("no admin address follows from %s, whose port + 1000 isn't one: "+
				"give --admin", u.Host)
		}
		return net.JoinHostPort(u.Hostname(), strconv.Itoa(port+1000)), nil
	}
	return c.address(p)
}

// serves reports whether the node of the settings serves clients there, by the texts.
func (c *explainCmd) serves(host string, port int) bool {
	own, here := c.Listen.Host(), []string{"", "localhost", "127.0.0.1", "0.0.0.0", "::1", "::"}
	same := host == own || slices.Contains(here, host) && slices.Contains(here, own)
	return same && port == c.Listen.Port()
}
