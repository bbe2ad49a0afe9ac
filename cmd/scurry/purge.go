package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

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

	adminNode `embed:""`
}

// Run has a node purge, and prints what each node says.
func (c *purgeCmd) Run(ctx context.Context, p process) error {
	address, token, err := c.find(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	req, err := postAdmin(ctx, address, "/purge", purge.Form{
		Files: c.URLs, Prefixes: c.Prefix, Tags: c.Group, Everything: c.All, Soft: c.Soft,
		Queries: c.Queries, ID: c.ID,
	})
	if err != nil {
		return err
	}
	res, body, err := sendAdmin(req, token)
	if err != nil {
		return noAnswer(address, err)
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
			said = n.Reason + "; old content is possible until: " + n.OldUntil
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
