package main

import (
	"context"
	"fmt"
	"net/http"

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
	address, err := adminAddress(c.Admin, &c.Addresses, p)
	if err != nil {
		return err
	}
	token, err := readToken(c.AdminTokenFile)
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
		return noAnswer(address, err)
	case res.StatusCode == http.StatusUnprocessableEntity:
		return fmt.Errorf("not reloaded: the settings stay as they were: %s", detail(body))
	}
	if err := rejected(address, res, body); err != nil {
		return err
	}
	_, err = p.stdout.Write(body)
	return err
}
