package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/purge"
)

// purgeTimeout is how long a node may take to purge, which includes that it waits for the others.
const purgeTimeout = 15 * time.Second

type purgeCmd struct {
	URLs []string `arg:"" name:"url" optional:"" help:"What clients ask for: http://HOST/files/a, or /files/a."`

	Prefix  []string `placeholder:"URL" sep:"none" help:"Purge this path and all below it; may be repeated."`
	Group   []string `placeholder:"NAME" sep:"none" help:"Purge the responses in this cache group; may be repeated."`
	All     bool     `help:"Purge everything."`
	Queries bool     `help:"Purge all queries of the paths of the URLs."`
	Soft    bool     `help:"Make it stale, so that it may be served while it is validated."`
	ID      string   `name:"id" placeholder:"ID" help:"Purge once, however often this command is repeated with the same ID."`
	JSON    bool     `name:"json" help:"Print JSON."`

	Admin       string      `placeholder:"HOST:PORT" group:"Addresses:" help:"Address of the admin listener of some node, instead of the one that follows from the node's settings."`
	Listen      config.Addr `default:"127.0.0.1:9001" placeholder:"HOST:PORT" group:"Addresses:" help:"Address at which the node serves clients (${default})."`
	AdminListen config.Addr `placeholder:"HOST:PORT" group:"Addresses:" help:"Its address for operators (loopback, at the client port + 1000)."`

	AdminTokenFile config.File `placeholder:"FILE" group:"Addresses:" help:"File with the token that its admin listener wants."`

	Config string `placeholder:"FILE" group:"Settings:" help:"Settings file of the node."`
}

// Run has a node purge, and prints what each node says.
func (c *purgeCmd) Run(ctx context.Context, p process) error {
	address, err := c.adminAddress(p)
	if err != nil {
		return err
	}
	token, err := readAdminToken(c.AdminTokenFile, zerolog.Nop())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	req, err := c.request(ctx, address)
	if err != nil {
		return err
	}
	res, body, err := sendAdmin(req, token)
	if err != nil {
		return fmt.Errorf("no node answers at %s: %w; if its admin listener is elsewhere, name it "+
			"with --admin (its log tells the address)", address, err)
	}
	if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusMultiStatus {
		return c.print(p, address, body)
	}
	var problem purge.Details
	switch _ = json.Unmarshal(body, &problem); {
	case res.StatusCode == http.StatusUnauthorized:
		return rejected(address, res, body)
	case problem.Detail != "" && res.StatusCode/100 == 4:
		return usagef("%s", problem.Detail)
	}
	return fmt.Errorf("%s answers %s: is it the admin listener of a node? Name that with --admin",
		address, res.Status)
}

// adminAddress is the admin address to ask: --admin, or the one of the node of the settings.
func (c *purgeCmd) adminAddress(p process) (string, error) {
	if c.Admin == "" {
		return adminOf(&config.Addresses{Listen: c.Listen, AdminListen: c.AdminListen}, p, "--admin")
	}
	address := strings.TrimSuffix(strings.TrimPrefix(c.Admin, "http://"), "/")
	if err := new(config.Addr).UnmarshalText([]byte(address)); err != nil {
		return "", usagef("--admin: %w", err)
	}
	return address, nil
}

// request is the request for c at an admin address.
func (c *purgeCmd) request(ctx context.Context, address string) (*http.Request, error) {
	body, err := json.Marshal(purge.Form{
		Files: c.URLs, Prefixes: c.Prefix, Tags: c.Group, Everything: c.All, Soft: c.Soft,
		Queries: c.Queries, ID: c.ID,
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/purge",
		bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Host = "localhost" // for which the listener answers, whatever name it is reached by
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// print prints an answer. If a node hasn't acknowledged, that is an error.
func (c *purgeCmd) print(p process, address string, body []byte) error {
	var answer purge.Answer
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("the answer of %s can't be read: %w", address, err)
	}
	failed := 0
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, n := range answer.Nodes {
		said := fmt.Sprintf("%d purged", n.Purged)
		if n.Reason != "" {
			failed++
			said = n.Reason
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", cmp.Or(n.Name, address), n.Status, said)
	}
	if c.JSON {
		_, _ = p.stdout.Write(body)
	} else {
		_ = w.Flush()
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d nodes haven't acknowledged: they learn of the purge as soon as "+
		"there is contact, and until then may serve what is fresh there", failed, len(answer.Nodes))
}
