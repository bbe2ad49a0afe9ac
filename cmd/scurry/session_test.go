package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// session is what a reader does who follows a page from its begin to its end.
type session struct {
	at    map[string]string // where a server listens that the page has at 127.0.0.1 on that port
	asked int               // how many commands have asked a server
	nodes *fleet            // of the page's cluster, if there is one

	remote string // where an admin address listens that the page has at 10.0.0.1:10001, or ""
}

var word = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)

// wordsOf are the words of a command, without the quotes around them.
func wordsOf(command string) (words []string) {
	for _, w := range word.FindAllString(command, -1) {
		if quote := w[:1]; strings.Contains(`'"`, quote) {
			w = strings.Trim(w, quote)
		}
		words = append(words, w)
	}
	return words
}

// carryOut carries out the commands of a block.
func (s *session) carryOut(t *testing.T, block string) {
	t.Helper()
	var nodes [][]string // of a cluster, all of which are started before the next command
	for _, step := range strings.Split(block, "$ ")[1:] {
		command, want, _ := strings.Cut(strings.ReplaceAll(step, "\\\n", ""), "\n")
		words := wordsOf(command)
		node := words[0] == "scurry" && strings.Contains(words[1], ":")
		if nodes != nil && !node {
			s.cluster(t, nodes)
			nodes = nil
		}
		switch {
		case strings.HasPrefix(command, "go run ./cmd/scurry serve "):
			s.serve(t, words[4:])
		case node:
			nodes = append(nodes, words[1:])
		case words[0] == "scurry":
			compare(t, command, s.scurry(t, words[1:]), want)
		case words[0] == "curl":
			compare(t, command, s.curl(t, words[1:]), want)
		default:
			t.Errorf("a command that this test doesn't know: %s", command)
		}
	}
}

// serve starts a server on free ports, in the root of the repository.
func (s *session) serve(t *testing.T, args []string) {
	t.Helper()
	for i, arg := range args {
		if strings.HasPrefix(arg, "./") {
			args[i] = filepath.Join("../..", arg)
		}
	}
	server := startScurry(t, nil, args...)
	s.at["9001"], s.at["10001"] = host(t, server.url), host(t, server.admin)
}

func host(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// cluster starts nodes in the folder of the sample site, each with the peer addresses in nodes, in
// place of which free ones are taken.
func (s *session) cluster(t *testing.T, nodes [][]string) {
	t.Helper()
	folder := sample(t)
	f := fleetOf(t, newMembers(t, len(nodes))...)
	for i, m := range f.all {
		var port int
		if _, err := fmt.Sscanf(nodes[i][0], "127.0.0.1:%d", &port); err != nil {
			t.Fatal(err)
		}
		s.at[fmt.Sprint(port)] = m.peer
		s.at[fmt.Sprint(port+clientAbovePeer)] = m.client
		s.at[fmt.Sprint(port+adminAbovePeer)] = m.admin
	}
	for i, m := range f.all {
		for _, peer := range nodes[i] {
			m.args = append(m.args, s.here(peer))
		}
		m.dir = folder
		m.start(t)
	}
	f.await(t, f.all...)
	s.nodes = f
}

// sample is a copy of the sample site, whose files haven't changed for so long that they are fresh.
func sample(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	site := os.DirFS("../../testdata/site")
	if err := os.CopyFS(folder, site); err != nil {
		t.Fatal(err)
	}
	err := fs.WalkDir(site, ".", func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(filepath.Join(folder, path), origintest.Old,
			origintest.Old))
	})
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// end ends the cluster, whose file has been read once.
func (s *session) end(t *testing.T) {
	t.Helper()
	if s.nodes == nil {
		return
	}
	s.nodes.end(t)
	read := 0
	for _, m := range s.nodes.all {
		for _, line := range m.log.with(0, "origin") {
			if line["reason"] == "miss" {
				read++
			}
		}
	}
	if read != 1 {
		t.Errorf("the nodes have read the file %d times", read)
	}
}

// here is text with the addresses where the servers listen in place of the page's.
func (s *session) here(text string) string {
	var pairs []string
	for port, at := range s.at {
		pairs = append(pairs, "127.0.0.1:"+port, at)
	}
	if s.remote != "" {
		pairs = append(pairs, "10.0.0.1:10001", s.remote)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// there is text with the page's addresses in place of those where the servers listen.
func (s *session) there(text string) string {
	var pairs []string
	for port, at := range s.at {
		pairs = append(pairs, at, "127.0.0.1:"+port)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// scurry carries out a command other than serve, and returns what it prints, with the page's
// addresses. Its node is the one whose clients the page has at port 9001.
func (s *session) scurry(t *testing.T, args []string) string {
	t.Helper()
	var env []string
	if slices.Contains([]string{"explain", "healthcheck", "purge", "reload", "top", "warm"},
		args[0]) {
		s.asked++
		env = []string{"SCURRY_LISTEN=" + s.at["9001"], "SCURRY_ADMIN_LISTEN=" + s.at["10001"]}
	}
	for i, arg := range args {
		if args[i] = s.here(arg); strings.HasPrefix(arg, "./") {
			args[i] = filepath.Join("../..", arg)
		}
	}
	var out, errs strings.Builder
	if code := run(t.Context(), args, &out, &errs, env); code != exitOK {
		t.Errorf("scurry %s exits with %d: %s", strings.Join(args, " "), code, errs.String())
	}
	return s.there(out.String())
}

// curl does what curl does with some options and the URL, and returns what it prints, with the
// page's addresses.
func (s *session) curl(t *testing.T, words []string) string {
	t.Helper()
	s.asked++
	target := s.here(words[len(words)-1])
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(words)-1; i += 2 { // each has a value
		switch option, value := words[i], words[i+1]; option {
		case "-r":
			req.Header.Set("Range", "bytes="+value)
		case "-X":
			req.Method = value
		case "-H":
			name, text, _ := strings.Cut(value, ": ")
			req.Header.Set(name, text)
		case "--json":
			req.Method, req.Body = http.MethodPost, io.NopCloser(strings.NewReader(value))
			req.Header.Set("Content-Type", "application/json")
		default:
			t.Errorf("an option that this test doesn't know: %s", option)
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 400 {
		t.Fatalf("%s: %s, %v", target, resp.Status, err)
	}
	return s.there(string(b))
}

// compare holds what a command prints against what the page shows.
func compare(t *testing.T, command, got, want string) {
	t.Helper()
	var pattern strings.Builder
	for line := range strings.Lines(strings.TrimSpace(want)) {
		if line = strings.TrimSpace(line); line == "…" {
			pattern.WriteString(`(?:.*\n)*`)
			continue
		}
		line = strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*")
		pattern.WriteString(`\s*` + line + `\s*\n`)
	}
	if !regexp.MustCompile("^" + pattern.String() + "$").MatchString(strings.TrimSpace(got) +
		"\n") {
		t.Errorf("%s\nprints %s\nand not %s", command, got, want)
	}
}
