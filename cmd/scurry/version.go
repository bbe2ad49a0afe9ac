package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

type versionCmd struct{}

// Run prints the version.
func (*versionCmd) Run(p process) error { return printVersion(p.stdout) }

// versionFlag is --version, which does on each command what the command of that name does.
type versionFlag bool

// BeforeReset prints the version.
func (versionFlag) BeforeReset(k *kong.Kong) error {
	if err := printVersion(k.Stdout); err != nil {
		return err
	}
	k.Exit(exitOK)
	return nil
}

func printVersion(w io.Writer) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	_, err := fmt.Fprintln(w, version(info))
	return err
}

// version is one line on the build: the module's version, the commit if known, Go's version and the
// platform.
func version(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	words := []string{"scurry", cmp.Or(info.Main.Version, "(devel)")}
	if revision := settings["vcs.revision"]; revision != "" {
		if settings["vcs.modified"] == "true" {
			revision += "+modified"
		}
		words = append(words, revision)
	}
	return strings.Join(append(words, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH), " ")
}
