package main

import (
	"encoding/base64"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// elsewhere are the beginnings of the commands that the pages show and that aren't carried out, with
// the reason.
var elsewhere = map[string]string{
	"systemctl daemon-reload": "it changes the system",
	"systemctl enable":        "it changes the system; TestExampleSystemd checks the units",
	"nginx -s reload":         "it changes the system; TestExampleNginx checks the file",
	"docker build":            "it needs a docker daemon, and fetches an image",
	"docker compose":          "it needs a docker daemon; TestExampleCompose checks the file",
	"kubectl apply":           "it needs a cluster; TestExampleKubernetes checks the file",
	"go test": "it takes minutes; that there are such tests is checked, and the " +
		"quickest are run",
	"go run ./internal/bench": "it takes minutes, and needs wrk; that it has the mode is checked",
	"scurry serve":            "the addresses aren't this machine's; the settings are checked",
}

// shell carries out the commands of the sh blocks of a page, one after the other. What they write
// below /etc is written below a folder of the test.
type shell struct {
	*session
	root, dir string          // dir is the current folder, which is below root
	token     string          // of the node at remote
	elsewhere map[string]bool // which of elsewhere have come
}

// path is where a command finds a file.
func (s *shell) path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Join(s.root, name)
	}
	return filepath.Join(s.root, s.dir, name)
}

// carryOut carries out a command, or checks what can be checked of one of elsewhere.
func (s *shell) carryOut(t *testing.T, command string) {
	t.Helper()
	command, file, redirected := strings.Cut(command, " > ")
	var words, env []string
	for _, w := range wordsOf(command) {
		if words == nil && strings.Contains(w, "=") {
			env = append(env, w)
		} else {
			words = append(words, w)
		}
	}
	if words == nil { // variables for a command that isn't shown
		accepts(t, nil, env)
		return
	}
	for begin := range elsewhere {
		if command = strings.Join(words, " "); command == begin || strings.HasPrefix(command, begin+" ") {
			s.elsewhere[begin] = true
		}
	}
	switch words[0] + " " + words[min(1, len(words)-1)] {
	case "scurry serve":
		accepts(t, words[2:], env)
		if slices.Contains(words, "--admin-token-file") {
			s.serveRemote(t)
		}
	case "scurry example":
		out := s.scurry(t, words[1:])
		others := []string{"/etc/nginx/conf.d", "/etc/prometheus"}
		if slices.Contains(others, filepath.Dir(file)) {
			s.system(t, []string{"mkdir", filepath.Dir(file)}) // as its program's package does
		}
		if err := os.WriteFile(s.path(file), []byte(out), 0o600); err != nil || !redirected {
			t.Errorf("%s: %v", command, err)
		}
	case "scurry top":
		if out := s.scurry(t, s.known(append(words[1:], "--once"))); !strings.Contains(out, "hit ratio") {
			t.Errorf("%s\nprints %s", command, out)
		}
	case "curl -H":
		if out := s.curl(t, s.known(words[1:])); !strings.Contains(out, "uptime_seconds") {
			t.Errorf("%s\nprints %s", command, out)
		}
	case "openssl rand":
		secret(t, words)
	case "go test", "go run":
		measures(t, words[1:], env)
	default:
		s.system(t, words)
	}
}

// system carries out a command about folders, or is told why there is nothing to be done.
func (s *shell) system(t *testing.T, words []string) {
	t.Helper()
	var err error
	switch command := strings.Join(words, " "); words[0] {
	case "mkdir":
		err = os.MkdirAll(s.path(words[1]), 0o700)
	case "cd":
		s.dir = words[1]
		err = os.MkdirAll(s.path("."), 0o700) // a system has it
	default:
		begins := func(begin string) bool { return strings.HasPrefix(command, begin) }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(elsewhere)), begins) {
			t.Errorf("a command that this test doesn't know: %s", command)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// serveRemote starts the node that a page has at 10.0.0.1, with a token.
func (s *shell) serveRemote(t *testing.T) {
	t.Helper()
	s.token = strings.Repeat("0123456789abcdef", 2)
	server := startScurry(t, nil, "--origin", "../../testdata/site", "--admin-listen=0.0.0.0:0",
		"--admin-token-file="+string(write(t, "token", []byte(s.token+"\n"))))
	_, port, _ := strings.Cut(strings.TrimPrefix(server.admin, "http://"), "]:")
	if port == "" {
		_, port, _ = strings.Cut(strings.TrimPrefix(server.admin, "http://"), ":")
	}
	s.remote = "127.0.0.1:" + port
	if err := os.MkdirAll(s.path("/etc/scurry"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path("/etc/scurry/token"), []byte(s.token), 0o600); err != nil {
		t.Fatal(err)
	}
}

// known is words with what the page's reader has to put in.
func (s *shell) known(words []string) []string {
	r := strings.NewReplacer("TOKEN", s.token, "/etc/scurry/token", s.path("/etc/scurry/token"))
	for i, w := range words {
		words[i] = r.Replace(w)
	}
	return words
}

// accepts checks that scurry serve takes flags and variables, but for those that are for other
// programs, too.
func accepts(t *testing.T, args, env []string) {
	t.Helper()
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if !strings.Contains(page("tracing"), "| `"+name+"` ") {
			t.Errorf("no table has the variable %s", name)
		}
	}
	var errs strings.Builder
	if code := run(t.Context(), append([]string{"config"}, args...), io.Discard, &errs, nil); code != exitOK {
		t.Errorf("scurry serve %s\nisn't accepted: %s", strings.Join(args, " "), errs.String())
	}
}

// secret runs a command of openssl, whose output has to be a secret of 32 bytes that nodes take, and
// a key of gossip.
func secret(t *testing.T, words []string) {
	t.Helper()
	openssl, err := exec.LookPath(words[0])
	if err != nil {
		t.Log("openssl isn't here, so it isn't run")
		return
	}
	out, err := exec.CommandContext(t.Context(), openssl, words[1:]...).Output()
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(out)))
	if err != nil || len(key) != 32 {
		t.Errorf("%v prints %q", words, out)
	}
}

// quick are the packages whose benchmarks are run, once.
var quick = []string{"./internal/peer"}

// measures checks a command that measures: there are such tests or benchmarks, or there is such a
// mode, and what its variables are for.
func measures(t *testing.T, words, env []string) {
	t.Helper()
	pkg := words[len(words)-1]
	if words[0] == "run" {
		pkg = words[1]
	}
	files, err := filepath.Glob(filepath.Join("../..", pkg, "*.go"))
	if err != nil || files == nil {
		t.Fatalf("there is no package %s", pkg)
	}
	var source strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	for i, w := range words {
		kind := map[string]string{"-run": "Test", "-bench": "Benchmark", "-mode": "mode"}[w]
		if kind == "" || words[i+1] == "^$" {
			continue
		}
		pattern, _, _ := strings.Cut(words[i+1], "/")
		found := regexp.MustCompile(`func ` + kind + `\w*(?:` + pattern + `)`).MatchString(source.String())
		if kind == "mode" {
			found = strings.Contains(source.String(), `"`+pattern+`": `)
		}
		if !found && pattern != "." {
			t.Errorf("%s has no %s %s", pkg, kind, pattern)
		}
	}
	for _, v := range env {
		if name, _, _ := strings.Cut(v, "="); !strings.Contains(source.String(), `"`+name+`"`) {
			t.Errorf("%s knows no variable %s", pkg, name)
		}
	}
	tool, err := exec.LookPath("go")
	if err != nil || testing.Short() || raceEnabled || !slices.Contains(quick, pkg) {
		return
	}
	test := exec.CommandContext(t.Context(), tool, append([]string{"test", "-benchtime=1x"}, words[1:]...)...)
	test.Dir = "../.."
	if out, err := test.CombinedOutput(); err != nil || !strings.Contains(string(out), "ns/op") {
		t.Errorf("go %s: %v\n%s", strings.Join(words, " "), err, out)
	}
}
