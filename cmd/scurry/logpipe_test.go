package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// piped is a scurry process whose standard output and error are a pipe that the test reads when it
// likes.
type piped struct {
	cmd        *exec.Cmd
	lines      *bufio.Scanner // of the log
	url, admin string
	origin     *origintest.Origin
}

// startPiped runs scurry with its output to w, and reads r until it serves. Whatever the log's
// reader does, it has an hour to end when it is told to.
func startPiped(t *testing.T, r, w *os.File, args ...string) *piped {
	t.Helper()
	p := &piped{lines: bufio.NewScanner(r), origin: origintest.New(t)}
	p.origin.Handle("/f", origintest.File{Size: 100, ETag: `"1"`, Header: maxAge(600)}.ServeHTTP)
	p.cmd = exec.Command("scurry", append([]string{"serve", "--listen=127.0.0.1:0", "--grace=1h",
		"--origin=" + p.origin.URL}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait() })
	for p.url == "" || p.admin == "" {
		if !p.lines.Scan() {
			t.Fatalf("the log ends: %v", p.lines.Err())
		}
		p.url, p.admin = field(p.lines.Text(), "url"), field(p.lines.Text(), "admin")
	}
	return p
}

// field is the value of a field in a line of either format.
func field(line, name string) string {
	found := regexp.MustCompile(name + `["=:]+([^" ]+)`).FindStringSubmatch(line)
	if found == nil {
		return ""
	}
	return found[1]
}

func newPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, w
}

// read returns the next line with this message.
func (p *piped) read(t *testing.T, message string) map[string]any {
	t.Helper()
	for {
		if line := p.next(t); line["message"] == message {
			return line
		}
	}
}

// next returns the next line.
func (p *piped) next(t *testing.T) (line map[string]any) {
	t.Helper()
	if !p.lines.Scan() {
		t.Fatalf("the log ends: %v", p.lines.Err())
	}
	if err := json.Unmarshal(p.lines.Bytes(), &line); err != nil {
		t.Fatalf("%q in the log: %v", p.lines.Bytes(), err)
	}
	return line
}

// ask sends that many requests over some connections, with URLs of about a KiB, each of which must
// be answered.
func (p *piped) ask(t *testing.T, requests int) {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	url := p.url + "f?" + strings.Repeat("x", 1000)
	var left atomic.Int64
	left.Store(int64(requests))
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for left.Add(-1) >= 0 {
				res, err := client.Get(url)
				if err != nil {
					t.Error(errors.Unwrap(err)) // without the URL
					return
				}
				if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 ||
					len(b) != 100 {
					t.Errorf("%s, %d bytes, %v", res.Status, len(b), err)
				}
				res.Body.Close()
			}
		})
	}
	asking.Wait()
	if n := len(p.origin.Requests()); n != 1 {
		t.Errorf("the origin is asked %d times: what was stored is gone", n)
	}
}

// stop tells p to stop, which it must do with exit code 0.
func (p *piped) stop(t *testing.T) {
	t.Helper()
	send(t, p.cmd, syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// account reads the lines about that many requests, and one to the origin, each of which must be
// there or told to be dropped.
func (p *piped) account(t *testing.T, requests int) (dropped int, reason string) {
	t.Helper()
	for seen := 0; seen+dropped < requests+1; {
		switch line := p.next(t); line["message"] {
		case "request", "origin":
			seen++
		case "log lines dropped":
			dropped += int(line["lines"].(float64))
			reason, _ = line["reason"].(string)
		default:
			t.Errorf("an unexpected line: %v", line)
		}
	}
	return dropped, reason
}

// TestLogThatNobodyReads: a reader of the log that stands still holds up no request, no health
// check, and not the end.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "console"} {
		t.Run(format, func(t *testing.T) {
			r, w := newPipe(t)
			p := startPiped(t, r, w, "--log-format="+format)
			p.ask(t, 5000)
			for _, path := range []string{"/healthz", "/readyz"} {
				if !answers(p.admin+path, 200)() {
					t.Errorf("%s fails", path)
				}
			}
			p.stop(t)
		})
	}
}

// TestDropsAreTold: once the log is read again, each request is in it, or told to be missing.
func TestDropsAreTold(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t)
	p := startPiped(t, r, w)
	const requests = 5000
	p.ask(t, requests)
	dropped, reason := p.account(t, requests)
	if dropped == 0 || reason != "they came faster than they were taken" {
		t.Errorf("%d lines are told to be dropped, since %s", dropped, reason)
	}
	p.ask(t, 1)
	p.read(t, "request")
	send(t, p.cmd, syscall.SIGTERM)
	p.read(t, "stopped")
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestLogReaderIsGone: a log whose reader has closed it is no reason to end.
func TestLogReaderIsGone(t *testing.T) {
	t.Parallel()
	r, w := newPipe(t)
	p := startPiped(t, r, w)
	r.Close()
	p.ask(t, 1000)
	p.stop(t)
}

// TestFailureOnFullPipe: a start that fails ends, though nobody reads why.
func TestFailureOnFullPipe(t *testing.T) {
	_, w := newPipe(t)
	defer w.Close()
	fill(t, w)
	cmd := exec.Command("scurry", "serve", "--origin=missing")
	cmd.Stderr = w
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
}

// fill writes to a pipe until it takes nothing more.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	conn, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Write(func(fd uintptr) bool {
		for _, size := range []int{4096, 1} {
			for err := error(nil); err == nil; {
				_, err = syscall.Write(int(fd), make([]byte, size)) // os.Pipe's don't block
			}
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}
