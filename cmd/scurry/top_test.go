package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// window is a terminal with "scurry top" in it.
type window struct {
	*os.File // the terminal's other end
	tty      *os.File
	before   *term.State
	cmd      *exec.Cmd
	reading  sync.WaitGroup

	mu      sync.Mutex
	written strings.Builder // guarded by mu
}

// openTop starts "scurry top" with args in a window of that size.
func openTop(t *testing.T, columns, lines uint16, env []string, args ...string) *window {
	t.Helper()
	other, tty, err := pty.Open()
	if err != nil {
		t.Skip("there are no pseudo-terminals here: ", err)
	}
	w := &window{File: other, tty: tty}
	t.Cleanup(func() { tty.Close(); w.reading.Wait(); other.Close() })
	w.resize(t, columns, lines)
	if w.before, err = term.GetState(int(tty.Fd())); err != nil {
		t.Fatal(err)
	}
	w.cmd = exec.Command("scurry", append([]string{"top"}, args...)...)
	w.cmd.Stdin, w.cmd.Stdout, w.cmd.Stderr = tty, tty, tty
	w.cmd.Env = append(append(os.Environ(), "TERM=xterm", "GORACE=atexit_sleep_ms=0"), env...)
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.cmd.Process.Kill(); w.cmd.Wait() })
	w.reading.Go(func() {
		b := make([]byte, 4<<10)
		for {
			n, err := other.Read(b)
			w.mu.Lock()
			w.written.Write(b[:n])
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	return w
}

func (w *window) resize(t *testing.T, columns, lines uint16) {
	t.Helper()
	if err := pty.Setsize(w.tty, &pty.Winsize{Cols: columns, Rows: lines}); err != nil {
		t.Fatal(err)
	}
}

// all is what has been written on the terminal.
func (w *window) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written.String()
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// screen is what was drawn last, without colours.
func (w *window) screen() string {
	all := w.all()
	end := strings.LastIndex(all, "\x1b[J")
	begin := strings.LastIndex(all[:max(0, end)], "\x1b[H")
	if begin < 0 {
		return ""
	}
	return strings.ReplaceAll(colours.ReplaceAllString(all[begin+3:end], ""), "\x1b[K", "")
}

// await waits until the screen has what pattern says.
func (w *window) await(t *testing.T, pattern string) {
	t.Helper()
	is := regexp.MustCompile(pattern)
	if !eventually(func() bool { return is.MatchString(w.screen()) }) {
		t.Fatalf("no %s on the screen:\n%s", pattern, w.screen())
	}
}

// ends waits until the command has ended, and looks at what it leaves behind.
func (w *window) ends(t *testing.T) {
	t.Helper()
	if err := w.cmd.Wait(); err != nil {
		t.Errorf("it ends with %v: %s", err, w.all())
	}
	if after, err := term.GetState(int(w.tty.Fd())); err != nil || !reflect.DeepEqual(after,
		w.before) {
		t.Errorf("the terminal isn't as it was: %v, before %v; %v", after, w.before, err)
	}
	w.tty.Close()
	w.reading.Wait()
	if all := w.all(); !strings.HasPrefix(all, enter) || !strings.HasSuffix(all, leave) {
		t.Errorf("it begins with %.40q and ends with %q", all, all[max(0, len(all)-40):])
	}
}

// TestTop: in a terminal, one sees what the nodes do, in whichever size, and that a node is lost; q
// and Ctrl-C end it.
func TestTop(t *testing.T) {
	f := newFleet(t, 2)
	m := f.all[0]
	w := openTop(t, 40, 50, nil, "--admin", m.admin)
	w.await(t, `requests  \S+/s`)
	stop, work := make(chan struct{}), sync.WaitGroup{}
	end := sync.OnceFunc(func() { close(stop); work.Wait() })
	defer end()
	work.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if resp, err := f.client.Get(m.url("a")); err == nil {
					resp.Body.Close()
				}
			}
		}
	})
	w.await(t, `(?s)requests  [1-9]\S*/s  hit ratio .*p50 .*\[-{20}\].*`+regexp.QuoteMeta(m.peer)+
		`  itself\s+owns \d+\.\d %.*live`)
	end()
	for line := range strings.Lines(w.screen()) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 40 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if !colours.MatchString(w.all()) {
		t.Error("there are no colours")
	}
	w.resize(t, 120, 3)
	if !eventually(func() bool { return strings.Count(w.screen(), "\r\n") == 2 }) {
		t.Errorf("in three lines:\n%s", w.screen())
	}
	m.kill(t)
	w.await(t, "scurry .* trying again")
	m.start(t)
	w.await(t, `(?m)^scurry +\S+  up \d+ s\r?$`)
	io.WriteString(w, "xq")
	w.ends(t)
	plain := openTop(t, 80, 24, []string{"NO_COLOR=1"}, "--admin", m.admin)
	plain.await(t, "scurry ")
	io.WriteString(plain, "\x03")
	plain.ends(t)
	if colours.MatchString(plain.all()) {
		t.Error("NO_COLOR doesn't matter")
	}
}

// TestTopPlain: where there is no terminal, a line is written each second; --once prints a screen.
func TestTopPlain(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a-token-of-enough-bytes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startScurry(t, nil, "--admin-listen=127.0.0.1:0", "--origin=../../testdata/site",
		"--admin-token-file="+token)
	top := func(args ...string) (code int, out, errs string) {
		var stdout, stderr strings.Builder
		code = run(t.Context(), append([]string{"top"}, args...), &stdout, &stderr, nil)
		return code, stdout.String(), stderr.String()
	}
	at := []string{"--admin", host(t, s.admin), "--admin-token-file", token}
	code, out, errs := top(append(at, "-n2")...)
	if code != exitOK || !regexp.MustCompile(`^\d\d:\d\d:\d\d  – requests/s.*\n\d\d:\d\d:\d\d  0 requests/s  hit ratio –  0 B/s .*\n$`).MatchString(out) {
		t.Errorf("%d, %q, %s", code, out, errs)
	}
	code, out, errs = top(append(at, "--once")...)
	if code != exitOK || !strings.Contains(out, "\nrequests  0/s  ") || !strings.HasPrefix(out,
		"scurry    127.0.0.1:") {
		t.Errorf("%d, %q, %s", code, out, errs)
	}
	for want, args := range map[string][]string{
		"wants its token":                     {"--admin", host(t, s.admin)},
		"no node answers at 127.0.0.1:1: ":    {"--admin=127.0.0.1:1"},
		"is it the admin listener of a node?": {"--admin", host(t, s.url)},
	} {
		if code, _, errs := top(args...); code == exitOK || !strings.Contains(errs, want) {
			t.Errorf("%q: %d, %s", args, code, errs)
		}
	}
}

// TestTopIsSilent: a node that tells nothing more is lost.
func TestTopIsSilent(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	source := topSource{address: host(t, server.URL), silence: time.Millisecond}
	if err := source.stream(t.Context()); err != errSilence {
		t.Error(err)
	}
}
