package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/warm"
)

// warmNode is the node whose admin listener "scurry warm" asks.
type warmNode struct {
	Admin          string      `placeholder:"HOST:PORT" group:"How:" help:"Admin listener of a node that fetches by itself: no content comes here, and none goes from node to node."`
	AdminTokenFile config.File `placeholder:"FILE" group:"How:" help:"File with the token that the listener wants."`
}

// ask has the node warm urls.
func (n *warmNode) ask(ctx context.Context, cfg warm.Config, urls []string) (warm.Summary, error) {
	address, err := adminAddress(n.Admin, nil, process{})
	if err != nil {
		return warm.Summary{}, err
	}
	token, err := readToken(n.AdminTokenFile)
	if err != nil {
		return warm.Summary{}, err
	}
	send := func(ctx context.Context, form *warm.Form) (io.ReadCloser, error) {
		return n.send(ctx, address, token, form)
	}
	return warm.Ask(ctx, cfg, urls, send)
}

// send sends a form, and returns the answer as lines.
func (n *warmNode) send(ctx context.Context, address string, token []byte, form *warm.Form) (
	io.ReadCloser, error,
) {
	req, err := postAdmin(ctx, address, "/warm", form)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/x-ndjson")
	res, err := openAdmin(req, token)
	if err != nil {
		return nil, noAnswer(address, err)
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	var problem admin.Problem
	if res.StatusCode == http.StatusConflict && json.Unmarshal(answer, &problem) == nil {
		return nil, errors.New(problem.Detail)
	}
	return nil, rejected(address, res, answer)
}
