package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/config"
)

// How commands ask the admin listener of a running node.

// adminNode are the flags by which a command finds that listener.
type adminNode struct {
	Admin       string      `placeholder:"HOST:PORT" group:"Addresses:" help:"Address of the node's admin listener, instead of the one that follows from what else is given."`
	Listen      config.Addr `default:"127.0.0.1:9001" placeholder:"HOST:PORT" group:"Addresses:" help:"Address at which the node serves clients (${default})."`
	AdminListen config.Addr `placeholder:"HOST:PORT" group:"Addresses:" help:"Its address for operators (loopback, at the client port + 1000)."`

	AdminTokenFile config.File `placeholder:"FILE" group:"Addresses:" help:"File with the token that its admin listener wants."`

	Config string `placeholder:"FILE" group:"Settings:" help:"Settings file of the node."`
}

func (a *adminNode) address(p process) (string, error) {
	return adminAddress(a.Admin, &config.Addresses{Listen: a.Listen, AdminListen: a.AdminListen}, p)
}

// find is where that listener is, and the token that it wants, if it wants one.
func (a *adminNode) find(p process) (address string, token []byte, err error) {
	if address, err = a.address(p); err == nil {
		token, err = readToken(a.AdminTokenFile)
	}
	return address, token, err
}

// postAdmin is a request that posts form, as JSON, to the admin listener at an address.
func postAdmin(ctx context.Context, address, path string, form any) (*http.Request, error) {
	body, err := json.Marshal(form)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+path,
		bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Host = "localhost" // for which the listener answers, whatever name it is reached by
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// readToken reads the token for the admin listener of another process.
func readToken(path config.File) ([]byte, error) { return readAdminToken(path, zerolog.Nop()) }

// adminAddress is the address that --admin has, or else the admin address of the node with those
// settings.
func adminAddress(given string, a *config.Addresses, p process) (string, error) {
	if given == "" {
		return adminOf(a, p, "--admin")
	}
	address := strings.TrimSuffix(strings.TrimPrefix(given, "http://"), "/")
	if err := new(config.Addr).UnmarshalText([]byte(address)); err != nil {
		return "", usagef("--admin: %w", err)
	}
	return address, nil
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

// maxAnswer bounds what is read of an admin listener's answer.
const maxAnswer = 4 << 20

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
	if res, err = openAdmin(req, token); err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer)); err != nil {
		return nil, nil, fmt.Errorf("the answer broke off: %w", err)
	}
	return res, body, nil
}

// openAdmin is sendAdmin for a response that the caller reads and closes.
func openAdmin(req *http.Request, token []byte) (*http.Response, error) {
	if len(token) > 0 {
		req.Header.Set("Authorization", "Bearer "+string(token))
	}
	client := http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: noRedirect,
	}
	res, err := client.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok { // which has the whole URL
		return nil, failed.Err
	}
	return res, err
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// noAnswer is the error of a command whose node doesn't answer at an admin address.
func noAnswer(address string, err error) error {
	return fmt.Errorf("no node answers at %s: %w; if its admin listener is elsewhere, name it "+
		"with --admin (its log tells the address)", address, err)
}

// rejected is the error of an answer of the admin listener at address, or nil if it is a 200.
func rejected(address string, res *http.Response, body []byte) error {
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusBadRequest:
		return usagef("%s", detail(body))
	case http.StatusUnauthorized:
		return usagef("the node at %s wants its token: give the file that has it as "+
			"--admin-token-file", address)
	}
	return fmt.Errorf("%s answers %s: is it the admin listener of a node? Name that with --admin",
		address, res.Status)
}

// detail is what an admin listener says is wrong: that of a problem document, or a text.
func detail(body []byte) string {
	var problem admin.Problem
	if json.Unmarshal(body, &problem) != nil {
		return string(bytes.TrimSpace(body))
	}
	return problem.Detail
}
