package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// eventually reports whether condition comes true within 20 seconds.
func eventually(condition func() bool) bool {
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			return false
		case <-tick.C:
		}
	}
	return true
}

// events reads the log of a server as it is written.
type events struct {
	mu    sync.Mutex
	lines []map[string]any
	more  chan struct{} // closed and replaced at each line, and closed at the end
	ended bool
}

// readEvents reads until the end of r; the test waits for that.
func readEvents(t *testing.T, r io.Reader) *events {
	e := &events{more: make(chan struct{})}
	var reading sync.WaitGroup
	t.Cleanup(reading.Wait)
	reading.Go(func() {
		scanner := bufio.NewScanner(r)
		for scanner.Scan() {
			line := map[string]any{"plain": scanner.Text()}
			json.Unmarshal(scanner.Bytes(), &line)
			e.add(line)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.ended = true
		close(e.more)
	})
	return e
}

func (e *events) add(line map[string]any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lines = append(e.lines, line)
	close(e.more)
	e.more = make(chan struct{})
}

// await returns the first event with this message once it has come. The test fails if the log ends
// without it.
func (e *events) await(t *testing.T, message string) map[string]any {
	t.Helper()
	for {
		e.mu.Lock()
		for _, line := range e.lines {
			if line["message"] == message {
				e.mu.Unlock()
				return line
			}
		}
		more, ended, lines := e.more, e.ended, e.lines
		e.mu.Unlock()
		if ended {
			t.Fatalf("the log ends without %q: %v", message, lines)
		}
		<-more
	}
}

// scurry is a server that runs in the test's process.
type scurry struct {
	url, admin string
	log        *events
	stop       func()     // as a signal does
	exit       <-chan int // receives the exit code
}

// startScurry runs "scurry serve" with args and env on free ports, and stops it at the end of the
// test.
func startScurry(t *testing.T, env []string, args ...string) *scurry {
	t.Helper()
	reader, writer := io.Pipe()
	log := readEvents(t, reader)
	ctx, stop := context.WithCancel(context.Background())
	exit, done := make(chan int, 1), make(chan struct{})
	args = append([]string{"serve", "--listen=127.0.0.1:0", "--log-format=json",
		"--shutdown-delay=0s"}, args...)
	go func() {
		defer close(done)
		defer writer.Close()
		exit <- run(ctx, args, io.Discard, writer, env)
	}()
	t.Cleanup(func() { stop(); <-done })
	serving := log.await(t, "serving")
	return &scurry{url: serving["url"].(string), admin: serving["admin"].(string), log: log,
		stop: stop, exit: exit}
}

// launch starts cmd, whose log it reads, and kills it at the end of the test.
func launch(t *testing.T, cmd *exec.Cmd) *events {
	t.Helper()
	stderr, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stderr.Close() })
	cmd.Stderr = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	log := readEvents(t, stderr)
	t.Cleanup(func() { cmd.Process.Kill() }) // before the wait for the log's end
	return log
}

// stalledOrigin is an origin whose answers stop halfway until the test lets them go on.
type stalledOrigin struct {
	*httptest.Server
	goOn chan struct{}
}

const firstHalf, secondHalf = "the first half, ", "the second half"

func newStalledOrigin(t *testing.T) *stalledOrigin {
	o := &stalledOrigin{goOn: make(chan struct{})}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Length", "31")
		io.WriteString(w, firstHalf)
		http.NewResponseController(w).Flush()
		select {
		case <-o.goOn:
			io.WriteString(w, secondHalf)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(o.Close)
	return o
}

// beginTransfer sends a request and returns the response once the first half of its body has come.
func beginTransfer(t *testing.T, method, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	half := make([]byte, len(firstHalf))
	if _, err := io.ReadFull(res.Body, half); err != nil || string(half) != firstHalf {
		t.Fatalf("the body begins %q, %v", half, err)
	}
	return res
}

// answers reports whether url is answered with this status.
func answers(url string, status int) func() bool {
	return func() bool { got, _, err := get(url); return err == nil && got == status }
}

// refused reports whether there is no answer from url.
func refused(url string) func() bool {
	return func() bool { _, _, err := get(url); return err != nil }
}

// all returns the events so far.
func (e *events) all() []map[string]any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]map[string]any(nil), e.lines...)
}

// atEnd reports whether the log has ended.
func (e *events) atEnd() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ended
}
