package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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

// adminOf is the admin address of the node with those settings. An error names the flags that can
// give it instead.
func adminOf(a *config.Addresses, p process, flags string) (string, error) {
	if err := derive(a, a.Nodes, p); err != nil {
		return "", err
	}
	if a.AdminListen.Port() == 0 {
		return "", usagef("the node picks its admin port when it starts: take the address from "+
			"its log, and give it as %s", flags)
	}
	return string(a.AdminListen), nil
}

// ask returns the line that the node answers with. The error says why the answer isn't a 200.
func ask(ctx context.Context, target string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	res, body, err := askAdmin(ctx, target, "", nil)
	if err != nil {
		return "", fmt.Errorf("the node doesn't answer: %w", err)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s: %s", res.Request.URL.Redacted(), res.Status, line)
	}
	return line, nil
}

// maxAnswer bounds what is read of an admin listener's answer.
const maxAnswer = 4 << 20

// askAdmin is callAdmin with the method GET.
func askAdmin(ctx context.Context, target, host string, token []byte) (*http.Response, []byte,
	error) {
	return callAdmin(ctx, http.MethodGet, target, host, token)
}

// callAdmin is sendAdmin with a request without a body, for a Host if that isn't "".
func callAdmin(ctx context.Context, method, target, host string, token []byte) (
	res *http.Response, body []byte, err error,
) {
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Host = cmp.Or(host, req.Host)
	return sendAdmin(req, token)
}

// sendAdmin sends a request to an admin listener, without a proxy, and with a token if that isn't
// empty. The response is closed.
func sendAdmin(req *http.Request, token []byte) (res *http.Response, body []byte, err error) {
	if len(token) > 0 {
		req.Header.Set("Authorization", "Bearer "+string(token))
	}
	client := http.Client{
		Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	res, err = client.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok { // which has the whole URL
		return nil, nil, failed.Err
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer)); err != nil {
		return nil, nil, fmt.Errorf("the answer broke off: %w", err)
	}
	return res, body, nil
}
