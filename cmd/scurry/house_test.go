package main

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestHouse holds the imports between the project's packages, of groupcache and of OpenTelemetry
// against the plan of the house: who may know whom. A package that isn't in the plan has to be put
// there, with what it imports of these.
func TestHouse(t *testing.T) {
	const (
		module     = "github.com/scurrycache/scurry/"
		groupcache = "github.com/golang/groupcache"
		otel       = "go.opentelemetry.io/otel"
	)
	plan := map[string][]string{
		"cmd/scurry": {
			"proxy", "origin", "internal/admin", "internal/cluster", "internal/config",
			"internal/dashboard", "internal/listen", "internal/logging", "internal/measure",
			"internal/metrics",
			"internal/otlp", "internal/purge", "internal/top", "internal/warm", "internal/watch",
		},
		"proxy": {
			"internal/admission", "internal/fastlane", "internal/serve", "internal/explain",
			"internal/fetch", "internal/decide", "internal/trace",
			otel + "/trace", otel + "/propagation", // for the types of its Config
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
			"internal/trace", "internal/fetch", "internal/decide", "internal/site",
			"internal/store",
			"internal/httpcache", "internal/fill", "internal/logging",
		},
		"origin":          {"internal/dial", "internal/http1", "internal/httpcache", "internal/workers"},
		"internal/dial":   {"internal/http1"},
		"internal/http1":  {"internal/workers"},
		"internal/decide": {"internal/store", "internal/httpcache"},
		"internal/fetch": {
			"internal/site", "internal/store", "internal/httpcache", "internal/fill",
			"internal/measure", "internal/trace", "internal/workers",
		},
		"internal/site": {"internal/httpcache"},
		"internal/exchange": {
			"internal/store", "internal/codec", "internal/fill",
			"internal/invalidation", "internal/peer", "internal/trace", "internal/wire",
		},
		"internal/workers": {},
		"internal/store": {
			"internal/chunk", "internal/chunks", "internal/codec", "internal/fields",
			"internal/fill", "internal/groups", "internal/httpcache", "internal/invalidation",
			"internal/trace", "internal/workers",
		},
		"internal/codec":     {"internal/fields"},
		"internal/chunks":    {"internal/groups"},
		"internal/groups":    {groupcache, groupcache + "/groupcachepb"},
		"internal/fields":    {},
		"internal/httpcache": {},
		"internal/chunk":     {},
		"internal/fill":      {"internal/memory", "internal/workers"},
		"internal/memory":    {},
		// consistenthash is the arithmetic of its ring
		"internal/peer": {groupcache + "/consistenthash", "internal/measure", "internal/once",
			"internal/wire", "internal/wire/handshake"},
		"internal/wire":      {"internal/memory", "internal/workers"},
		"internal/cluster":   {"internal/hostport", "internal/once"},
		"internal/once":      {},
		"internal/config":    {"internal/cluster", "internal/hostport", "internal/site"},
		"internal/logging":   {"internal/measure", "internal/popular", "internal/trace"},
		"internal/popular":   {},
		"internal/dashboard": {},
		// the API alone: the SDK is the choice of programs
		"internal/trace": {
			otel + "/trace", otel + "/propagation", otel + "/attribute", otel + "/codes",
		},
		"internal/otlp": {
			otel, otel + "/attribute", otel + "/propagation", otel + "/trace",
			otel + "/sdk/resource", otel + "/sdk/trace", otel + "/exporters/otlp/otlptrace",
			otel + "/exporters/otlp/otlptrace/otlptracegrpc",
			otel + "/exporters/otlp/otlptrace/otlptracehttp",
		},
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
			case strings.HasPrefix(path, groupcache) && !slices.Contains(may, path),
				strings.HasPrefix(path, otel) && !slices.Contains(may, path):
				t.Errorf("%s imports %s", name, path)
			case name == "origin" && external && !isOurs:
				t.Errorf("origin, which is for everyone, imports %s", path)
			}
		}
		for _, path := range may {
			if !slices.Contains(words, path) && !slices.Contains(words, module+path) {
				t.Errorf("%s doesn't import %s, which it may", name, path)
			}
		}
		delete(plan, name)
	}
	if len(plan) > 0 {
		t.Errorf("the plan has packages that aren't: %q", slices.Sorted(maps.Keys(plan)))
	}
}

// TestLibraryTracesByTheAPI: a program that embeds the proxy gets no SDK and no exporter with it.
func TestLibraryTracesByTheAPI(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go tool, which lists the imports, isn't here")
	}
	list := exec.CommandContext(t.Context(), tool, "list", "-deps", "./proxy", "./origin")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.Lines(string(out)) {
		for _, heavy := range []string{
			"go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters",
			"go.opentelemetry.io/proto", "google.golang.org/grpc",
		} {
			if strings.HasPrefix(path, heavy) {
				t.Errorf("the library needs %s", path)
			}
		}
	}
}
