package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/purge"
)

// blocks are the blocks of one kind in the README and the help pages.
func blocks(t *testing.T, kind string) (all []string) {
	t.Helper()
	for _, text := range manual(t) {
		for _, block := range fenced.FindAllStringSubmatch(text, -1) {
			if block[1] == kind {
				all = append(all, block[2])
			}
		}
	}
	if len(all) == 0 {
		t.Errorf("there is no block of the kind %s", kind)
	}
	return all
}

// TestManualGo compiles the Go code of the pages, each block in a function with what its reader has
// already.
func TestManualGo(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go tool, which compiles them, isn't here")
	}
	imports := map[string]string{
		"context": "context", "net": "net", "http": "net/http", "url": "net/url",
		"proxy": "github.com/scurrycache/scurry/proxy", "origin": "github.com/scurrycache/scurry/origin",
		"otlptracehttp": "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp",
		"sdktrace":      "go.opentelemetry.io/otel/sdk/trace",
	}
	var code strings.Builder
	for i, block := range blocks(t, "go") {
		if strings.HasPrefix(block, "proxy.Config{") {
			block = "p, err := proxy.New(" + strings.TrimSpace(block) + ")\n"
		}
		fmt.Fprintf(&code, "func _%d(ctx context.Context, l net.Listener, secret []byte, "+
			"o http.RoundTripper) error {\n%s", i, block)
		for _, names := range regexp.MustCompile(`(?m)^([\w, ]+) := `).FindAllStringSubmatch(block, -1) {
			for name := range strings.SplitSeq(names[1], ", ") {
				if name != "_" {
					fmt.Fprintln(&code, "_ =", name)
				}
			}
		}
		code.WriteString("return nil\n}\n")
	}
	head := "package help\n"
	for name, path := range imports {
		if strings.Contains(code.String(), name+".") {
			head += fmt.Sprintf("import %s %q\n", name, path)
		}
	}
	dir := t.TempDir()
	here, err := filepath.Abs("help/manual.go") // a file that is only said to be there
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{
		"Replace": map[string]string{here: filepath.Join(dir, "manual.go")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"manual.go": head + code.String(), "overlay.json": string(overlay),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vet := exec.CommandContext(t.Context(), tool, "vet", "-overlay",
		filepath.Join(dir, "overlay.json"), "./help")
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, head+code.String())
	}
}

// TestManualJSON: the JSON of the pages is JSON, and an answer to a purge is one.
func TestManualJSON(t *testing.T) {
	for _, block := range blocks(t, "json") {
		d := json.NewDecoder(strings.NewReader(block))
		for {
			var value map[string]any
			if err := d.Decode(&value); err == io.EOF {
				break
			} else if err != nil {
				t.Errorf("%v in %s", err, block)
				break
			}
			if value["nodes"] == nil {
				continue
			}
			strict := json.NewDecoder(strings.NewReader(block))
			strict.DisallowUnknownFields()
			if err := strict.Decode(&purge.Answer{}); err != nil {
				t.Errorf("%v in %s", err, block)
			}
		}
	}
}

// TestManualPrometheus: Prometheus takes the queries and the configuration that the pages show.
func TestManualPrometheus(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool, which checks them, isn't here")
	}
	check := func(kind string, text []byte) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "prometheus.yml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), promtool, "check", kind, file).CombinedOutput()
		if err != nil || bytes.Contains(out, []byte("FAILED")) {
			t.Errorf("promtool check %s: %v\n%s\n%s", kind, err, out, text)
		}
	}
	rules := []byte("groups:\n- name: manual\n  rules:\n")
	for _, block := range blocks(t, "promql") {
		// a query begins at a line's begin
		for i, query := range regexp.MustCompile(`(?m)^\S.*(?:\n .*)*`).FindAllString(block, -1) {
			rules = fmt.Appendf(rules, "  - record: manual:query%d_%d\n    expr: |\n      %s\n",
				len(rules), i, strings.ReplaceAll(query, "\n", "\n      "))
		}
	}
	check("rules", rules)
	for _, block := range blocks(t, "prometheus") {
		secret := string(write(t, "token", []byte("0123456789abcdef")))
		check("config", []byte(strings.ReplaceAll(block, "/etc/prometheus/scurry-token", secret)))
	}
}
