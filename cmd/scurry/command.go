package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/config"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the same command may work another time
	exitUsage  = 2 // the command must be changed
)

// process is what a command gets of the operating system, and of the command line.
type process struct {
	stdout, stderr io.Writer
	env            []string
	commands       []string          // the names of all commands
	provenance     config.Provenance // of the settings, if the command has any

	again func() (*config.Config, config.Provenance, error) // reads the settings of serve again
}

// usageError is an error in what the user asked for, as opposed to one in carrying it out.
type usageError struct{ error }

// usagef is fmt.Errorf for a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// logged is an error that the log has already.
type logged struct{ error }

type derivable interface {
	Derive(config.Provenance) error
}

// derive calls settings.Derive. The first of the arguments, nodes, may be a misspelt command, which
// gets an error of its own.
func derive(settings derivable, nodes []string, p process) error {
	if len(nodes) > 0 && !strings.Contains(nodes[0], ":") && !config.LooksLikeHost(nodes[0]) {
		return usagef(
			"%q is neither a command nor a peer address such as 127.0.0.1:8001%s",
			nodes[0], didYouMean(nodes[0], p.commands))
	}
	if err := settings.Derive(p.provenance); err != nil {
		return usageError{err}
	}
	return nil
}

// didYouMean ends an error about word with the nearest of names, if there is one.
func didYouMean(word string, names []string) string {
	return config.Suggest(word, slices.Values(names), strconv.Quote, "")
}
