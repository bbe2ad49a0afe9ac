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
		"cmd/scurry":          {"proxy", "origin", "internal/admin", "internal/cluster", "internal/config", "internal/listen", "internal/logging"},
		"proxy":               {"internal/decide", "internal/site", "internal/store", "internal/httpcache", "internal/hostport", "internal/logging", "internal/chunk", "internal/fill", "internal/peer", "internal/wire"},
		"origin":              {"internal/httpcache"},
		"internal/decide":     {"internal/store", "internal/httpcache"},
		"internal/site":       {"internal/httpcache"},
		"internal/store":      {"internal/chunk", "internal/fields", "internal/fill", "internal/peer", "internal/wire"},
		"internal/fields":     {},
		"internal/httpcache":  {},
		"internal/chunk":      {},
		"internal/fill":       {},
		"internal/peer":       {groupcache, "internal/wire"},
		"internal/wire":       {},
		"internal/cluster":    {"internal/hostport"},
		"internal/config":     {"internal/hostport", "internal/site"},
		"internal/logging":    {},
		"internal/listen":     {"internal/hostport"},
		"internal/hostport":   {},
		"internal/admin":      {},
		"internal/origintest": {},

		"internal/invalidation": {}, // nothing uses it yet
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go tool, which lists the imports, isn't here")
	}
	list := exec.CommandContext(t.Context(), tool, "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...")
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
			case strings.HasPrefix(path, groupcache) && !slices.Contains(may, groupcache):
				t.Errorf("%s imports %s", name, path)
			case name == "origin" && external && !isOurs:
				t.Errorf("origin, which is for everyone, imports %s", path)
			}
		}
	}
}
