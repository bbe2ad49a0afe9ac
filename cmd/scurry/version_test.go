package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	build := func(version string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}}
	}
	tests := []struct {
		info *debug.BuildInfo
		want string
	}{
		{build(""), "scurry (devel) go"},
		{build("v1.2.3"), "scurry v1.2.3 go"},
	}
	for _, tt := range tests {
		if got := version(tt.info); !strings.HasPrefix(got, tt.want) {
			t.Errorf("got %q, want %q…", got, tt.want)
		}
	}
}
