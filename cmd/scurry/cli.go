package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/logging"
)

// cli is the grammar of the command line. All other code takes the names of commands from it.
type cli struct {
	Serve       serveCmd       `cmd:"" default:"withargs" help:"Serve files from the cache. \"scurry HOST:PORT...\" is short for \"scurry serve HOST:PORT...\"."`
	Config      configCmd      `cmd:"" help:"Print the settings that serve would run with, and where each came from."`
	Reload      reloadCmd      `cmd:"" help:"Have a running node read its settings, lists, secrets and certificates again, and open its log again."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running node whether it is healthy; exit with 0 if it is, else with 1."`
	Explain     explainCmd     `cmd:"" help:"Tell why the response to a request is or isn't cached, and what the next such request will do."`
	Example     exampleCmd     `cmd:"" help:"Print an example of a deployment, or list those that there are."`
	Warm        warmCmd        `cmd:"" help:"Fetch URLs through a running node, so that it has them when clients ask."`
	Purge       purgeCmd       `cmd:"" help:"Purge what is stored: on all nodes, for URLs, prefixes or groups, or everything."`
	Top         topCmd         `cmd:"" help:"Show what a running node does, in a terminal: requests, latencies, the origin, memory, the other nodes."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
	Help        helpCmd        `cmd:"" help:"Print help: on a command, or on a topic."`

	PrintVersion kong.VersionFlag `name:"version" short:"v" help:"Print the version."`
}

const description = `An HTTP caching reverse proxy for static files, kept in memory.

Each flag of "scurry serve" may be given as an environment variable, as SCURRY_MEMORY for --memory, or in a YAML or TOML file.`

// run carries out the command in args (without the program's name) and returns the exit code. A
// failure is one line on stderr. A server runs until ctx is done or a signal stops it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, env []string) int {
	err := dispatch(ctx, args, process{stdout: stdout, stderr: stderr, env: env})
	if err == nil {
		return exitOK
	}
	if !errors.As(err, new(logged)) {
		line := logging.NewQueue(stderr) // stderr may be a pipe that is full
		fmt.Fprintln(line, "scurry:", strings.ReplaceAll(err.Error(), "\n", "; "))
		_ = line.Close(lastLines)
	}
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

func dispatch(ctx context.Context, args []string, p process) error {
	bare := len(args) == 0
	if bare {
		args = []string{"--help"}
	}
	helped := false
	parsed, err := new(cli).parse(args, &p, kong.Exit(func(int) { helped = true }))
	switch {
	case bare:
		return usagef(`give a command, or a peer address such as 127.0.0.1:8001`)
	case helped: // kong goes on after it has printed help
		return nil
	case err != nil:
		return err
	}
	p.again = func() (*config.Config, config.Provenance, error) { return readAgain(args, p) }
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(p)
}

// parse reads the command line, the environment and the settings file into c, and completes p.
func (c *cli) parse(args []string, p *process, options ...kong.Option) (*kong.Context, error) {
	sources := config.NewSources(p.env)
	options = append(options, kong.Name("scurry"),
		kong.Description(description),
		kong.Vars{"version": version(build())},
		kong.Writers(p.stdout, p.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.Help(printHelp))
	parser, err := kong.New(c, append(options, sources.Options()...)...)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(doubleDash(args))
	switch {
	case err == nil:
	case args[0] == "reload" && errors.As(err, new(config.FileError)):
		return nil, err // which the node would find as well: a file can be mended
	default:
		return nil, usageError{err}
	}
	p.commands = names(parser)
	p.provenance = sources.Provenance(parsed)
	return parsed, nil
}

// readAgain returns the settings of the server that args has started, as its file has them now, and
// where each comes from.
func readAgain(args []string, p process) (*config.Config, config.Provenance, error) {
	var c cli
	if _, err := c.parse(args, &p); err != nil {
		return nil, nil, err
	}
	return &c.Serve.Settings, p.provenance, check(&c.Serve.Settings, p)
}

// names returns the names of the commands.
func names(parser *kong.Kong) (names []string) {
	for _, command := range parser.Model.Children {
		names = append(names, command.Name)
	}
	return names
}

// doubleDash gives the flag -index, which had one dash in earlier versions, the two that kong
// wants.
func doubleDash(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if arg == "-index" || strings.HasPrefix(arg, "-index=") {
			args[i] = "-" + arg
		}
	}
	return args
}
