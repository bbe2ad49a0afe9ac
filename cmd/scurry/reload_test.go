package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/origintest"
)

// reloadable is a scurry process with a settings file.
type reloadable struct {
	cmd        *exec.Cmd
	log        *events
	file       string // the settings
	url, admin string
}

// startReloadable starts a node with those lines in its settings file.
func startReloadable(t *testing.T, settings string, args ...string) *reloadable {
	t.Helper()
	r := &reloadable{file: filepath.Join(t.TempDir(), "scurry.yaml")}
	r.set(t, settings)
	args = append([]string{"serve", "--config=" + r.file, "--listen=127.0.0.1:0",
		"--log-format=json", "--shutdown-delay=0s"}, args...)
	r.cmd, r.log = startProcess(t, args...)
	serving := r.log.await(t, "serving")
	r.url, r.admin = serving["url"].(string), host(t, serving["admin"].(string))
	return r
}

func (r *reloadable) set(t *testing.T, settings string) {
	t.Helper()
	if err := os.WriteFile(r.file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload has the node reload by the command, and returns what that prints.
func (r *reloadable) reload(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr strings.Builder
	code = run(t.Context(), append([]string{"reload", "--admin=" + r.admin}, args...), &stdout,
		&stderr, nil)
	return code, stdout.String(), stderr.String()
}

// end stops the node, which has done nothing wrong.
func (r *reloadable) end(t *testing.T) {
	t.Helper()
	send(t, r.cmd, syscall.SIGTERM)
	if err := r.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestReload: settings change while clients ask, each of whom is answered.
func TestReload(t *testing.T) {
	o := origintest.New(t)
	for _, path := range []string{"/f", "/g"} {
		o.Handle(path, origintest.File{Size: 100 << 10, ETag: `"1"`, Header: maxAge(600)}.ServeHTTP)
	}
	gone := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "gone",
			http.StatusNotFound)
	}
	o.Handle("/before", gone)
	o.Handle("/after", gone)
	r := startReloadable(t, "negative-ttl: 1h\n", "--origin="+o.URL)
	asking, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var answered atomic.Int64
	for range 4 {
		clients.Go(func() {
			for asking.Err() == nil {
				if status, body, err := get(r.url + "f"); status != 200 || len(body) != 100<<10 {
					t.Errorf("status %d with %d bytes, %v", status, len(body), err)
				}
				answered.Add(1)
			}
		})
	}
	fetched(t, r.url+"before", "fwd=uri-miss")
	for i := range 20 {
		before := answered.Load()
		r.set(t, []string{"negative-ttl: 5s\nlog-level: warn\norigin-body-timeout: 1s\n",
			"negative-ttl: 1h\n"}[i%2])
		want := "reloaded\norigin-body-timeout is 1s, and was 30s\nnegative-ttl is 5s, and was " +
			"1h\nlog-level is warn, and was info\n"
		if code, out, errs := r.reload(t); code != exitOK || i == 0 && out != want ||
			strings.Count(out, "\n") != 4 {
			t.Errorf("exit code %d: %s%s", code, out, errs)
		}
		if !eventually(func() bool { return answered.Load() > before+10 }) {
			t.Fatal("clients aren't answered any more")
		}
	}
	if code, out, errs := r.reload(t); code != exitOK || out != "reloaded\n" {
		t.Errorf("without a change: exit code %d: %s%s", code, out, errs)
	}
	r.set(t, "negative-ttl: 5s\nlog-level: warn\n")
	r.reload(t)
	fetched(t, r.url+"before", "ttl=3")
	fetched(t, r.url+"after", "fwd=uri-miss")
	fetched(t, r.url+"after", "hit; ttl=")
	stop()
	clients.Wait()
	before := len(r.log.all())
	fetched(t, r.url+"g", "fwd=uri-miss")
	r.set(t, "log-level: info\n")
	r.reload(t)
	fetched(t, r.url+"f", "hit")
	r.end(t)
	if !eventually(func() bool { return r.log.atEnd() }) {
		t.Fatal("the log doesn't end")
	}
	for _, line := range r.log.all()[before:] {
		if uri, _ := line["uri"].(string); strings.HasSuffix(uri, "/g") {
			t.Errorf("the log has, although its level is warn: %v", line)
		}
	}
	if !slices.ContainsFunc(r.log.all()[before:],
		func(l map[string]any) bool { return l["message"] == "request" }) {
		t.Error("the log has no line of a level that is logged again")
	}
}

// fetched asks for url, and holds the Cache-Status of the answer against a part of it.
func fetched(t *testing.T, url, want string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Error(err)
	}
	if status := res.Header.Get("Cache-Status"); !strings.Contains(status, want) {
		t.Errorf("%s: %s, want %s", url, status, want)
	}
}

// TestReloadRefused: what is wrong, or can't change live, changes nothing. The log and the command
// tell what it is, and where.
func TestReloadRefused(t *testing.T) {
	secret := string(write(t, "secret", []byte("a secret of 16 b")))
	peer := freeAddr(t)
	good := "negative-ttl: 1m\npeer-listen: " + peer + "\npeers: " + peer + "\npeer-secret-file: " +
		secret + "\n"
	r := startReloadable(t, good)
	for name, c := range map[string]struct{ settings, want string }{
		"syntax": {good + "a: b: c\n", "scurry.yaml: yaml: line 5: mapping values"},
		"key": {good + "memroy: 1GiB\n",
			`scurry.yaml: unknown key "memroy", did you mean "memory"? (line 5)`},
		"value": {"\n" + good + "grace: 30\n",
			`scurry.yaml: grace: expected a duration such as 30s, not "30" (line 6)`},
		"together": {good + "join: 127.0.0.1:1\n", "--peers (file "},
		"size":     {good + "memory: 1MiB\n", "--memory 1MiB is too small"},
		"no secret": {strings.Replace(good, secret, secret+"2", 1), "--peer-secret-file " + secret +
			"2: can't read this file: no such file or directory"},
		"fixed": {good + "memory: 1GiB\nheuristic-limit: 2m\nslab: 32MiB\n",
			"this can't change while the node runs: memory is 1GiB, and was 256MiB; " +
				"slab is 32MiB, and was 64MiB; restart the node to change it, or change it back"},
		"kind": {strings.Replace(good, "peers: ", "peers: file:", 1), "peers is file:" + peer +
			", and was " + peer},
		"TLS": {good + "peer-tls-cert: c\npeer-tls-key: k\npeer-tls-ca: a\n",
			"peer-tls-cert is c, and was -"},
	} {
		t.Run(name, func(t *testing.T) {
			r.set(t, strings.Replace(c.settings, "negative-ttl: 1m", "negative-ttl: 7s", 1))
			code, out, errs := r.reload(t)
			if code != exitFailed || out != "" || !strings.Contains(errs, c.want) ||
				strings.Count(errs, "\n") != 1 ||
				!strings.HasPrefix(errs, "scurry: not reloaded: the settings stay as they were: ") {
				t.Errorf("exit code %d, %q, %q, want %q", code, out, errs, c.want)
			}
			before := len(r.log.all())
			send(t, r.cmd, syscall.SIGHUP)
			var logged map[string]any
			if !eventually(func() bool {
				for _, line := range r.log.all()[before:] {
					if line["message"] == "not reloaded: the settings stay as they were" {
						logged = line
					}
				}
				return logged != nil
			}) || !strings.Contains(logged["error"].(string), c.want) ||
				logged["level"] != "error" {
				t.Errorf("the log says %v, want %q", logged, c.want)
			}
			r.set(t, good)
			if code, out, errs := r.reload(t); code != exitOK || out != "reloaded\n" {
				t.Errorf("something has changed: exit code %d, %q, %q", code, out, errs)
			}
		})
	}
	r.set(t, "memory: lots")
	res, err := http.Post("http://"+r.admin+"/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var problem admin.Problem
	if json.NewDecoder(res.Body).Decode(&problem) != nil || res.StatusCode != 422 ||
		res.Header.Get("Content-Type") != "application/problem+json" ||
		problem.Status != 422 || !strings.Contains(problem.Detail, "memory: expected") {
		t.Errorf("POST /reload: %s, %+v", res.Status, problem)
	}
	res.Body.Close()
	if code, _, errs := r.reload(t, "--config="+r.file); code != exitFailed ||
		!strings.Contains(errs, "memory: expected") {
		t.Errorf("with the file's name: exit code %d, %q", code, errs)
	}
	r.end(t)
}

// TestReloadUnreachable: the command says that nobody answers, or that it is no admin listener.
func TestReloadUnreachable(t *testing.T) {
	s := startScurry(t, nil)
	for admin, want := range map[string]string{
		freeAddr(t):    "no node answers at ",
		host(t, s.url): "is it the admin listener of a node? Name that with --admin",
	} {
		r := &reloadable{admin: admin}
		if code, out, errs := r.reload(t); code != exitFailed || out != "" ||
			!strings.Contains(errs, want) {
			t.Errorf("exit code %d, %q, %q", code, out, errs)
		}
	}
}

// TestReloadSecret: a node that reads its secret again lets in those that have the new one.
func TestReloadSecret(t *testing.T) {
	secret := string(write(t, "secret", []byte("a secret of 16 b")))
	a, b := freeAddr(t), freeAddr(t)
	list := "peers: [" + a + ", " + b + "]\npeer-secret-file: " + secret + "\n"
	first := startReloadable(t, list+"peer-listen: "+a+"\n")
	if err := os.WriteFile(secret, []byte("another of 16 by"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := startReloadable(t, list+"peer-listen: "+b+"\n")
	first.log.await(t, "a connection to the peer port was refused; more for the same reason "+
		"aren't logged, but counted")
	if code, out, errs := first.reload(t); code != exitOK {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	for _, r := range []*reloadable{first, second} {
		if up := r.log.await(t, "peer joined"); up["peer"] != a && up["peer"] != b {
			t.Errorf("the log says %v", up)
		}
	}
	first.end(t)
	second.end(t)
}

// TestReloadPeers: nodes in the settings file may come and go.
func TestReloadPeers(t *testing.T) {
	a, b := freeAddr(t), freeAddr(t)
	first := startReloadable(t, "peers: "+a+"\npeer-listen: "+a+"\n")
	second := startReloadable(t, "peers: ["+a+", "+b+"]\npeer-listen: "+b+"\n")
	first.set(t, "peers: ["+a+", "+b+"]\npeer-listen: "+a+"\n")
	if code, out, errs := first.reload(t); code != exitOK || !strings.Contains(out, "peers is ") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	first.log.await(t, "peer joined")
	second.log.await(t, "peer joined")
	first.end(t)
	second.end(t)
}

// TestLogFileRotates: the log's file is opened again even if nothing else can be reloaded, and the
// lines that a full disk doesn't take are told.
func TestLogFileRotates(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("there is no device that is always full")
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := os.Symlink(full, path); err != nil {
		t.Fatal(err)
	}
	listener := freeAddr(t)
	file := filepath.Join(t.TempDir(), "scurry.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, log := startProcess(t, "serve", "--config="+file, "--log-file="+path, "--listen="+listener,
		"--admin-listen="+freeAddr(t), "--shutdown-delay=0s")
	url := "http://" + listener + "/files/"
	for range 50 { // the node serves though no line of its log can be written
		if !eventually(answers(url+"signal.go", 200)) {
			t.Fatal("doesn't serve")
		}
	}
	next := path + ".next"
	err := errors.Join(os.WriteFile(next, []byte("kept\n"), 0o600), os.Rename(next, path),
		os.WriteFile(file, []byte("nonsense"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	send(t, cmd, syscall.SIGHUP)
	text := func() string { b, _ := os.ReadFile(path); return string(b) }
	if !eventually(func() bool {
		return strings.HasPrefix(text(), "kept\n") && strings.Contains(text(),
			`"message":"log lines dropped"`) && strings.Contains(text(), "not reloaded")
	}) {
		t.Errorf("the file has %q", text())
	}
	if !strings.Contains(text(), syscall.ENOSPC.Error()) {
		t.Errorf("the reason isn't told: %s", text())
	}
	send(t, cmd, syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(text(), `"message":"stopped"`) || len(log.all()) > 0 {
		t.Errorf("the log ends %q, and on standard error is %v", text(), log.all())
	}
	var errs strings.Builder
	if code := run(t.Context(), []string{"serve", "--log-file=" + path + "/log"}, io.Discard, &errs,
		nil); code != exitFailed ||
		errs.String() != "scurry: --log-file "+path+
			"/log: can't open this file: not a directory\n" {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

var flags = regexp.MustCompile("--[a-z][a-z-]+")

// TestReloadWithoutLog: a log that can't be opened again goes on in the file that is open, and
// nothing else changes.
func TestReloadWithoutLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "scurry.yaml")
	admin := freeAddr(t)
	r := &reloadable{file: file, admin: admin}
	r.set(t, "")
	r.cmd, _ = startProcess(t, "serve", "--config="+file, "--log-file="+dir+"/log",
		"--listen=127.0.0.1:0", "--admin-listen="+admin, "--shutdown-delay=0s")
	if !eventually(answers("http://"+admin+"/readyz", 200)) {
		t.Fatal("doesn't serve")
	}
	moved := dir + "-moved"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	r.set(t, "negative-ttl: 1m")
	if code, _, errs := r.reload(t); code != exitFailed || !strings.HasSuffix(errs,
		": can't open this file again: no such file or directory\n") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if err := os.Rename(moved, dir); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := r.reload(t); code != exitOK || out != "reloaded\nnegative-ttl is 1m, "+
		"and was 10s\n" {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	r.end(t)
	if text, err := os.ReadFile(dir + "/log"); err != nil || strings.Count(string(text),
		"reloaded") != 2 {
		t.Errorf("the log has %s, %v", text, err)
	}
}

// TestManualReload holds the table of what can change live against the settings.
func TestManualReload(t *testing.T) {
	_, table, _ := strings.Cut(page("operating"), "can change while the node runs:\n")
	var documented []string
	for line := range strings.Lines(strings.TrimLeft(table, "\n")) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			break
		}
		for _, name := range flags.FindAllString(cells[1], -1) {
			documented = append(documented, strings.TrimPrefix(name, "--"))
		}
	}
	var live []string
	for _, flag := range kong.Must(&config.Config{}, kong.NoDefaultHelp()).Model.Flags {
		if flag.Tag.Get("reload") == "live" {
			live = append(live, flag.Name)
		}
	}
	slices.Sort(documented)
	slices.Sort(live)
	if !slices.Equal(documented, live) {
		t.Errorf("the page has %q\nlive are  %q", documented, live)
	}
}

// TestReloadGossipKey: the keys of gossip are read again. They can't be done without.
func TestReloadGossipKey(t *testing.T) {
	const one, two = "MDEyMzQ1Njc4OWFiY2RlZg==\n", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\n"
	key := string(write(t, "key", []byte(one)))
	settings := "peer-listen: " + freeAddr(t) + "\ngossip-listen: 127.0.0.1:0\n"
	r := startReloadable(t, settings+"gossip-key-file: "+key+"\n")
	for text, want := range map[string]string{one + two: "", two + one: "", "x\n" +
		one: "expected 16, 24 or 32 bytes in base64"} {
		if err := os.WriteFile(key, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := r.reload(t); (code == exitOK) != (want == "") ||
			!strings.Contains(errs, want) {
			t.Errorf("%q: exit code %d: %s%s", text, code, out, errs)
		}
	}
	r.set(t, settings)
	if code, out, errs := r.reload(t); code != exitFailed || !strings.Contains(errs,
		"gossip-key-file is -, and was "+key) {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	r.end(t)
}
