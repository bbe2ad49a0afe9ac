package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestHouse holds the imports between the project's packages, and of groupcache, against the plan
// of the house: who may know whom. A package that isn't in the plan has to be put there, with what
// it may import.
func TestHouse(t *testing.T) {
	const (
		module     = "github.com/scurrycache/scurry/"
		groupcache = "github.com/golang/groupcache"
	)
	plan := map[string][]string{
		"cmd/scurry": {
			"proxy", "origin", "internal/admin", "internal/cluster", "internal/config",
			"internal/dashboard", "internal/listen", "internal/logging", "internal/measure", "internal/metrics",
			"internal/purge", "internal/top", "internal/warm", "internal/watch",
		},
		"proxy": {
			"internal/admission", "internal/fastlane", "internal/serve", "internal/explain", "internal/fetch", "internal/decide",
			"internal/site", "internal/store", "internal/exchange", "internal/httpcache",
			"internal/hostport", "internal/logging", "internal/chunk", "internal/groups",
			"internal/measure", "internal/peer", "internal/purge", "internal/wire",
			"internal/wire/handshake",
		},
		"internal/purge": {},
		"internal/fastlane": {
			"internal/admission", "internal/serve", "internal/decide", "internal/site",
			"internal/hostport", "internal/logging",
		},
		"internal/admission": {},
		"internal/warm":      {},
		"internal/top":       {"internal/admin"},
		"internal/explain": {
			"internal/serve", "internal/fetch", "internal/decide", "internal/site",
			"internal/store", "internal/httpcache",
		},
		"internal/serve": {
			"internal/fetch", "internal/decide", "internal/site", "internal/store",
			"internal/httpcache", "internal/fill", "internal/logging",
		},
		"origin":          {"internal/httpcache"},
		"internal/decide": {"internal/store", "internal/httpcache"},
		"internal/fetch": {
			"internal/site", "internal/store", "internal/httpcache", "internal/fill",
			"internal/measure",
		},
		"internal/site": {"internal/httpcache"},
		"internal/exchange": {
			"internal/store", "internal/chunk", "internal/codec", "internal/fill",
			"internal/invalidation", "internal/peer", "internal/wire",
		},
		"internal/workers": {},
		"internal/store": {
			"internal/chunk", "internal/chunks", "internal/codec", "internal/fields",
			"internal/fill", "internal/groups", "internal/httpcache", "internal/invalidation",
			"internal/workers",
		},
		"internal/codec":     {"internal/fields"},
		"internal/chunks":    {"internal/groups"},
		"internal/groups":    {groupcache, groupcache + "/groupcachepb"},
		"internal/fields":    {},
		"internal/httpcache": {},
		"internal/chunk":     {},
		"internal/fill":      {},
		// consistenthash is the arithmetic of its ring
		"internal/peer": {groupcache + "/consistenthash", "internal/measure", "internal/once",
			"internal/wire", "internal/wire/handshake"},
		"internal/wire":       {"internal/workers"},
		"internal/cluster":    {"internal/hostport", "internal/once"},
		"internal/once":       {},
		"internal/config":     {"internal/cluster", "internal/hostport", "internal/site"},
		"internal/logging":    {"internal/measure", "internal/popular"},
		"internal/popular":    {},
		"internal/dashboard":  {},
		"internal/measure":    {},
		"internal/metrics":    {"proxy", "internal/measure"},
		"internal/listen":     {"internal/admission", "internal/fastlane", "internal/hostport"},
		"internal/hostport":   {},
		"internal/admin":      {"internal/explain", "internal/warm"},
		"internal/origintest": {},
		"internal/bench":      {"internal/chunks", "internal/groups"},
		"internal/race":       {},
		"internal/watch":      {},

		"internal/wire/handshake": {},
		"internal/wire/wiretest":  {},
		"internal/invalidation":   {"internal/codec"},
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go tool, which lists the imports, isn't here")
	}
	list := exec.CommandContext(t.Context(), tool, "list", "-f",
		"{{.ImportPath}} {{join .Imports \" \"}}", "./...")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(words[0], module)
		may, ok := plan[name]
		if !ok {
			t.Errorf("%s isn't in the plan", name)
			continue
		}
		for _, path := range words[1:] {
			ours, isOurs := strings.CutPrefix(path, module)
			external := strings.Contains(strings.Split(path, "/")[0], ".")
			switch {
			case isOurs && !slices.Contains(may, ours):
				t.Errorf("%s imports %s", name, ours)
			case strings.HasPrefix(path, groupcache) && !slices.Contains(may, path):
				t.Errorf("%s imports %s", name, path)
			case name == "origin" && external && !isOurs:
				t.Errorf("origin, which is for everyone, imports %s", path)
			}
		}
	}
}
