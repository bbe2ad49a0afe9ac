package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// console is a block of commands in the README with what they print.
var console = regexp.MustCompile("(?s)```console\n(.*?)```")

// TestReadme does what the README says, and sees what it shows: the servers are started (on free
// ports, which the URLs that follow are changed to) and the curl commands carried out.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var server *scurry
	asked := 0
	for _, block := range console.FindAllStringSubmatch(string(text), -1) {
		for _, step := range strings.Split(block[1], "$ ")[1:] {
			command, want, _ := strings.Cut(step, "\n")
			words := strings.Fields(strings.ReplaceAll(command, "'", ""))
			switch {
			case strings.HasPrefix(command, "go run ./cmd/scurry serve "):
				server = startScurry(t, nil, words[4:]...)
			case words[0] == "curl":
				asked++
				if got := curl(t, server, words[1:]); strings.TrimSpace(got) != strings.TrimSpace(want) {
					t.Errorf("%s\nprints %q, not %q", command, got, want)
				}
			case command == "go test ./...": // this
			default:
				t.Errorf("a command that this test doesn't know: %s", command)
			}
		}
	}
	if server == nil || asked < 4 {
		t.Errorf("the README starts a server: %v; asks %d times", server != nil, asked)
	}
}

// curl does what curl does with the options -r and the URL, which is for a server on default ports.
func curl(t *testing.T, server *scurry, words []string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, words[len(words)-1], nil)
	if err != nil {
		t.Fatal(err)
	}
	if words[0] == "-r" {
		req.Header.Set("Range", "bytes="+words[1])
	}
	for port, at := range map[string]string{"9001": server.url, "10001": server.admin} {
		if req.URL.Port() == port {
			u, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			req.URL.Host = u.Host
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestReadmeFlags holds the README's table of flags against the flags.
func TestReadmeFlags(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(string(text), -1) {
		documented[row[1]] = row[2]
	}
	var out strings.Builder
	if code := run(t.Context(), []string{"config"}, &out, io.Discard, nil); code != 0 {
		t.Fatalf("scurry config exits with %d", code)
	}
	for line := range strings.Lines(out.String()) {
		words := strings.Fields(line)
		name, value := words[0], words[1]
		want, ok := documented[name]
		if !ok {
			t.Errorf("the README's table has no --%s", name)
		}
		if words := map[string]bool{"false": true, "-": true, ".": true}; !words[value] && want != value && name != "admin-listen" {
			t.Errorf("--%s is %s by default, not %s as the README says", name, value, want)
		}
		delete(documented, name)
	}
	if len(documented) > 0 {
		t.Errorf("the README has flags that aren't: %v", documented)
	}
}
