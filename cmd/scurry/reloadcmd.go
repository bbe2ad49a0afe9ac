package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
)

type reloadCmd struct {
	Addresses config.Addresses `embed:""`

	AdminTokenFile config.File `placeholder:"FILE" group:"Addresses:" help:"File with the token that its admin listener wants."`

	Admin  string `placeholder:"HOST:PORT" group:"Addresses:" help:"Address of the node's admin listener, instead of the one that follows from the node's settings."`
	Config string `placeholder:"FILE" group:"Settings:" help:"Settings file of the node."`
}

// Run has the node reload, and prints what has changed.
func (c *reloadCmd) Run(ctx context.Context, p process) error {
	address, err := c.address(p)
	if err != nil {
		return err
	}
	token, err := readAdminToken(c.AdminTokenFile, zerolog.Nop())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	// The listener answers for localhost, whatever name it is reached by.
	res, body, err := callAdmin(ctx, http.MethodPost, "http://"+address+"/reload", "localhost",
		token)
	switch {
	case err != nil:
		return fmt.Errorf("no node answers at %s: %w; if its admin listener is elsewhere, name it "+
			"with --admin (its log tells the address)", address, err)
	case res.StatusCode == http.StatusUnprocessableEntity:
		return fmt.Errorf("not reloaded: the settings stay as they were: %s", bytes.TrimSpace(body))
	}
	if err := rejected(address, res, body); err != nil {
		return err
	}
	_, err = p.stdout.Write(body)
	return err
}

func (c *reloadCmd) address(p process) (string, error) {
	if c.Admin == "" {
		return adminOf(&c.Addresses, p, "--admin")
	}
	address := strings.TrimSuffix(strings.TrimPrefix(c.Admin, "http://"), "/")
	if err := new(config.Addr).UnmarshalText([]byte(address)); err != nil {
		return "", usagef("--admin: %w", err)
	}
	return address, nil
}
