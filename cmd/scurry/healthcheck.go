package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/config"
)

// healthTimeout is how long a node may take to answer a health check.
const healthTimeout = 2 * time.Second

type healthcheckCmd struct {
	Addresses config.Addresses `embed:""`

	Config string `placeholder:"FILE" group:"Settings:" help:"Settings file of the node."`
	URL    string `name:"url" placeholder:"URL" group:"Addresses:" help:"URL of the admin listener, such as http://127.0.0.1:10001, instead of the one that follows from the node's settings."`
	Ready  bool   `help:"Ask whether the node takes requests, not only whether it runs."`
}

// Run asks the node and returns nil if it answers 200.
func (h *healthcheckCmd) Run(ctx context.Context, p process) error {
	target, err := h.target(p)
	if err != nil {
		return err
	}
	answer, err := ask(ctx, target)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, answer)
	return err
}

// target is the URL to ask.
func (h *healthcheckCmd) target(p process) (string, error) {
	path := "/healthz"
	if h.Ready {
		path = "/readyz"
	}
	if h.URL != "" {
		u, err := url.Parse(h.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "", usagef(
				"--url: expected a URL such as http://127.0.0.1:10001")
		}
		return strings.TrimSuffix(h.URL, "/") + path, nil
	}
	address, err := adminOf(&h.Addresses, p, "--admin-listen or --url")
	return "http://" + address + path, err
}

// ask returns the line that the node answers with. The error says why the answer isn't a 200.
func ask(ctx context.Context, target string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	res, body, err := callAdmin(ctx, http.MethodGet, target, "", nil)
	if err != nil {
		return "", fmt.Errorf("the node doesn't answer: %w", err)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s: %s", res.Request.URL.Redacted(), res.Status, line)
	}
	return line, nil
}
