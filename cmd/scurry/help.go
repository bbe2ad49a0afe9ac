package main

import (
	"fmt"
	"slices"

	"github.com/alecthomas/kong"
)

type helpCmd struct {
	Command string `arg:"" optional:"" help:"What to print help on."`
}

// Run prints what --help does after the command.
func (c *helpCmd) Run(parsed *kong.Context, p process) error {
	if c.Command == "" {
		return usage(parsed.Kong, "--help")
	}
	if !slices.Contains(p.commands, c.Command) {
		return usageError{fmt.Errorf("%q is not a command%s", c.Command, didYouMean(c.Command, p.commands))}
	}
	return usage(parsed.Kong, c.Command)
}

// usage prints the help on what word selects: a command, or with --help all of them.
func usage(k *kong.Kong, word string) error {
	c, err := kong.Trace(k, []string{word})
	if err != nil {
		return err
	}
	return c.PrintUsage(false)
}
