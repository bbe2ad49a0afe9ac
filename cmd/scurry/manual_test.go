package main

import (
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestManualFlags holds the tables of flags in the settings page against the flags.
func TestManualFlags(t *testing.T) {
	documented := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `--([a-z-]+)` *\\| ([^|]*?) *\\|")
	for _, match := range row.FindAllStringSubmatch(page("settings"), -1) {
		if _, twice := documented[match[1]]; twice {
			t.Errorf("--%s has two rows", match[1])
		}
		documented[match[1]] = match[2]
	}
	var out strings.Builder
	if code := run(t.Context(), []string{"config"}, &out, io.Discard, nil); code != exitOK {
		t.Fatalf("scurry config exits with %d", code)
	}
	inWords := map[string]bool{"false": true, "-": true, ".": true}
	for line := range strings.Lines(out.String()) {
		words := strings.Fields(line)
		name, value := words[0], words[1]
		want, ok := documented[name]
		if !ok {
			t.Errorf("the settings page has no --%s", name)
		}
		if !inWords[value] && want != value && name != "admin-listen" {
			t.Errorf("--%s is %s by default, not %s as the settings page says", name, value, want)
		}
		delete(documented, name)
	}
	if len(documented) > 0 {
		t.Errorf("the settings page has flags that aren't: %v", documented)
	}
}

// TestManualLinks: each link leads to a file or a folder of the repository, or elsewhere by https;
// the README leads to each page; and what looks like a file of the repository is one.
func TestManualLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]*)\)`)
	file := regexp.MustCompile("`((?:cmd|internal|origin|proxy|testdata)/[\\w/.*]+)`")
	linked := map[string]bool{}
	for path, text := range manual(t) {
		text = fenced.ReplaceAllString(text, "")
		targets := []string{}
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			if target := match[1]; !strings.HasPrefix(target, "https://") {
				targets = append(targets, filepath.Join(filepath.Dir(path), target))
			}
		}
		for _, match := range file.FindAllStringSubmatch(text, -1) {
			targets = append(targets, match[1])
		}
		for _, target := range targets {
			linked[path+" to "+target] = true
			if found, _ := filepath.Glob(filepath.Join("../..", target)); len(found) == 0 {
				t.Errorf("%s leads to %s, which isn't there", path, target)
			}
		}
	}
	for _, topic := range topicNames() {
		if !linked["README.md to cmd/scurry/help/"+topic+".md"] {
			t.Errorf("the README doesn't lead to the page %s", topic)
		}
	}
}

// TestManualWidth: the pages can be read in a terminal of 80 columns, and the README's text, but
// for its table, has the width that code has.
func TestManualWidth(t *testing.T) {
	for path, text := range manual(t) {
		most := 80
		if path == "README.md" {
			most = 100
		}
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > most {
				t.Errorf("%s: a line of %d columns: %s", path, n, line)
			}
		}
	}
}

// TestManualPackages holds the README's table against the packages that there are.
func TestManualPackages(t *testing.T) {
	rows := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `([\\w/]+)` \\|")
	for _, match := range row.FindAllStringSubmatch(manual(t)["README.md"], -1) {
		rows[match[1]] = true
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go tool, which lists the packages, isn't here")
	}
	list := exec.CommandContext(t.Context(), tool, "list", "./...")
	list.Dir, list.Stderr = "../..", os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		name := strings.TrimPrefix(strings.TrimSpace(line), "github.com/scurrycache/scurry/")
		if !rows[name] {
			t.Errorf("the README has no row on the package %s", name)
		}
		delete(rows, name)
	}
	if len(rows) > 0 {
		t.Errorf("the README has packages that aren't: %q", slices.Sorted(maps.Keys(rows)))
	}
}
