package main

import (
	"context"
	"fmt"
	"slices"
)

type helpCmd struct {
	Command string `arg:"" optional:"" help:"What to print help on."`
}

// Run prints what --help does after the command.
func (c *helpCmd) Run(ctx context.Context, p process) error {
	if c.Command == "" {
		return dispatch(ctx, []string{"--help"}, p)
	}
	if !slices.Contains(commands, c.Command) {
		return usageError{fmt.Errorf("%q is not a command%s", c.Command, commandLike(c.Command))}
	}
	return dispatch(ctx, []string{c.Command, "--help"}, p)
}
