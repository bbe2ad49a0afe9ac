package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/admin"
)

// A transfer in progress goes on to its end while the node isn't ready any more and takes no
// connections.
func TestDrainLetsTransfersFinish(t *testing.T) {
	origin := newStalledOrigin(t)
	s := startScurry(t, nil, "--origin", origin.URL)
	if !answers(s.admin+"/readyz", 200)() {
		t.Error("not ready although it logs that it serves")
	}
	res := beginTransfer(t, "GET", s.url+"a")

	s.stop()
	if !eventually(answers(s.admin+"/readyz", 503)) {
		t.Error("ready while it drains")
	}
	if !eventually(refused(s.url + "%00")) { // which isn't for the origin
		t.Error("takes connections while it drains")
	}
	if !answers(s.admin+"/healthz", 200)() || !answers(s.admin+"/readyz", 503)() {
		t.Error("health checks go unanswered while it drains")
	}
	select {
	case code := <-s.exit:
		t.Fatalf("exit with %d before the transfer has finished", code)
	default:
	}

	close(origin.goOn)
	rest, err := io.ReadAll(res.Body)
	if err != nil || string(rest) != secondHalf {
		t.Errorf("the body ends %q, %v", rest, err)
	}
	if code := <-s.exit; code != exitOK {
		t.Errorf("exit code %d", code)
	}
	s.log.await(t, "stopped")
	if !refused(s.admin + "/healthz")() {
		t.Error("the admin listener is open after the end")
	}
}

// What the grace period doesn't suffice for is cut, so that the client can tell, and the exit code
// says so.
func TestDrainCutsWhatOutlastsGrace(t *testing.T) {
	for _, method := range []string{"GET", "POST"} { // from the cache, and past it
		t.Run(method, func(t *testing.T) {
			origin := newStalledOrigin(t)
			s := startScurry(t, nil, "--origin", origin.URL, "--grace=20ms",
				"--origin-body-timeout=1h")
			res := beginTransfer(t, method, s.url+"a")
			s.stop()
			if rest, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("the body ends as if complete, with %q", rest)
			}
			if code := <-s.exit; code != exitFailed {
				t.Errorf("exit code %d, want %d", code, exitFailed)
			}
			s.log.await(t, "request") // the access log tells of what is cut
			stopped := s.log.await(t, "stopped")
			if stopped["level"] != "error" || !strings.Contains(stopped["error"].(string),
				"after 20ms of grace") {
				t.Errorf("the log says %v", stopped)
			}
		})
	}
}

// A client that takes no bytes is cut as well, though its transfer has nothing to wait for but
// itself.
func TestDrainCutsStuckClients(t *testing.T) {
	folder := t.TempDir()
	large, err := os.Create(folder + "/large")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(large.Truncate(48<<20), large.Close()); err != nil {
		t.Fatal(err)
	}
	s := startScurry(t, nil, "--origin", folder, "--grace=20ms")
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(s.url +
		"large")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	s.stop()
	if code := <-s.exit; code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if n, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Errorf("the body ends as if complete, after %d bytes", n)
	}
}

// startProcess runs scurry as a process of its own, whose log it reads.
func startProcess(t *testing.T, args ...string) (*exec.Cmd, *events) {
	t.Helper()
	cmd := exec.Command("scurry", args...)
	return cmd, launch(t, cmd)
}

func send(t *testing.T, cmd *exec.Cmd, signal os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// TestStarting: a node that still waits for its peers says that it is starting, and not that it
// drains.
func TestStarting(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	m := newMembers(t, 1)[0]
	m.serve("http://127.0.0.1:1", "--peers="+m.peer+","+silent.Addr().String(), "--log-format=json")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() { ended <- run(ctx, m.args, io.Discard, io.Discard, nil) }()
	var status int
	var body []byte
	if !eventually(func() bool {
		status, body, err = get("http://" + m.admin + "/readyz?verbose")
		return err == nil
	}) || status != 503 || !strings.HasSuffix(string(body), "[+] draining: no\nstarting\n") {
		t.Errorf("%d, %s, %v", status, body, err)
	}
	var stats admin.Stats
	operator{base: "http://" + m.admin}.json(t, "/stats", &stats)
	if stats.Draining {
		t.Error("the stats say that it drains")
	}
	stop()
	<-ended
}
