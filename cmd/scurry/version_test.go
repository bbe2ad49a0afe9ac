package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	build := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123abc"}
	tests := []struct {
		info *debug.BuildInfo
		want string
	}{
		{build(""), "scurry (devel) go"},
		{build("v1.2.3"), "scurry v1.2.3 go"},
		{build("v1.2.3", revision, debug.BuildSetting{Key: "vcs.modified", Value: "false"}), "scurry v1.2.3 0123abc go"},
		{build("(devel)", revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "scurry (devel) 0123abc+modified go"},
	}
	for _, tt := range tests {
		if got := version(tt.info); !strings.HasPrefix(got, tt.want) {
			t.Errorf("got %q, want %q…", got, tt.want)
		}
	}
}
