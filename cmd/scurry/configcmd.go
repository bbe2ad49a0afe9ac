package main

import (
	"github.com/scurrycache/scurry/internal/config"
)

type configCmd struct {
	Settings config.Config `embed:""`
}

// Run prints the settings, if they are valid.
func (c *configCmd) Run(p process) error {
	if err := check(&c.Settings, p); err != nil {
		return err
	}
	return c.Settings.Write(p.stdout, p.provenance)
}
