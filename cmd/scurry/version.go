package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// Run prints the version.
func (*versionCmd) Run(p process) error {
	_, err := fmt.Fprintln(p.stdout, version(build()))
	return err
}

// build returns what the program knows of its build, which may be nothing.
func build() *debug.BuildInfo {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info
	}
	return &debug.BuildInfo{}
}

// version is one line on the build: the module's version, which the go command makes from the
// commit if that has no tag, Go's version and the platform.
func version(info *debug.BuildInfo) string {
	return fmt.Sprintf("scurry %s %s %s/%s", cmp.Or(info.Main.Version, "(devel)"),
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
