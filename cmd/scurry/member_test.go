package main

import (
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// member is a node of a cluster: a process of its own, which a test may end and start again.
type member struct {
	peer, client, admin string // the addresses that it listens at
	args                []string
	// the command, and its arguments, that scurry is an argument of; none if it is started directly
	via []string
	dir string   // the current folder; the test's if empty
	env []string // besides the test's

	cmd   *exec.Cmd
	log   *events       // of the last start
	ended chan struct{} // closed when the process is gone
}

// How far a node's other ports are above the one for peers in the short form.
const clientAbovePeer, adminAbovePeer = 1000, 2000

// newMembers returns n nodes with addresses of their own, which haven't been started.
func newMembers(t *testing.T, n int) []*member {
	t.Helper()
	members := make([]*member, n)
	for i, port := range freePorts(t, n, clientAbovePeer, adminAbovePeer) {
		members[i] = &member{peer: loopback(port), client: loopback(port + clientAbovePeer),
			admin: loopback(port + adminAbovePeer)}
	}
	return members
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePorts returns n ports that nobody listens at on loopback, and neither at those that are so
// far above them. They are below where systems take the ports of outgoing connections from, so that
// they are still free when a node that has ended is started again.
func freePorts(t *testing.T, n int, above ...int) (ports []int) {
	t.Helper()
	for range 1000 {
		port := 10000 + rand.IntN(20000)
		free := true
		for _, by := range append([]int{0}, above...) {
			l, err := net.Listen("tcp", loopback(port+by))
			if err != nil {
				free = false
				break
			}
			defer l.Close() // once all are found, so that they differ
		}
		if !free {
			continue
		}
		if ports = append(ports, port); len(ports) == n {
			return ports
		}
	}
	t.Fatal("no free ports")
	return nil
}

// serve makes m's arguments those of the long form.
func (m *member) serve(origin string, args ...string) {
	m.args = append([]string{
		"serve", "--origin=" + origin, "--peer-listen=" + m.peer, "--listen=" + m.client,
		"--admin-listen=" + m.admin,
	}, args...)
}

// start runs m until the test ends at the latest, and waits until it serves.
func (m *member) start(t *testing.T) {
	t.Helper()
	words := append(append(slices.Clone(m.via), "scurry"), m.args...)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = m.dir
	// Unless a test says how long a node may be silent, none is given up for being slow, and none
	// waits for clients to learn that it stops.
	cmd.Env = append(os.Environ(), "SCURRY_LOG_FORMAT=json", "SCURRY_PEER_HEARTBEAT=5s",
		"SCURRY_SHUTDOWN_DELAY=0s", "GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, m.env...)
	var log *events
	t.Cleanup(func() { m.judge(t, log) })
	log = launch(t, cmd)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	m.cmd, m.log, m.ended = cmd, log, ended
	log.await(t, "serving")
	if !eventually(answers("http://"+m.admin+"/readyz", http.StatusOK)) {
		t.Fatalf("%s isn't ready although it logs that it serves", m.peer)
	}
}

// judge looks through a log for what no node should ever write: panics, reports of data races,
// whatever isn't a log's line.
func (m *member) judge(t *testing.T, log *events) {
	t.Helper()
	if log == nil {
		return
	}
	for _, line := range log.all() {
		message, _ := line["message"].(string)
		_, failed := line["error"]
		switch _, panicked := line["panic"]; {
		case message == "" || panicked || strings.Contains(message, "panic"):
			t.Errorf("%s: %s", m.peer, line["plain"])
		case t.Failed() && (failed || message != "request" && message != "origin"):
			t.Logf("%s: %s", m.peer, line["plain"])
		}
	}
}

// kill ends m as a machine's failure does, but for what its kernel still does for it.
func (m *member) kill(t *testing.T) {
	t.Helper()
	send(t, m.cmd, os.Kill)
	<-m.ended
}

// exit waits until m, which has been told to stop, has ended, and returns its exit code.
func (m *member) exit() int {
	<-m.ended
	return m.cmd.ProcessState.ExitCode()
}

// ring is what m's log says last of who shares the keys.
func (m *member) ring() []any {
	for _, line := range slices.Backward(m.log.all()) {
		if ring, ok := line["ring"].([]any); ok {
			return ring
		}
	}
	return nil
}

// awaitPeer waits until m's log has message about peer, after so many other lines.
func (m *member) awaitPeer(t *testing.T, after int, message string, peer *member) {
	t.Helper()
	m.log.awaitAfter(t, after, message, func(line map[string]any) bool { return line["peer"] == peer.peer })
}

// url is where m serves path.
func (m *member) url(path string) string { return "http://" + m.client + "/files/" + path }

// length is how many events there are so far.
func (e *events) length() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.lines)
}

// with returns the events so far whose message begins with message, but for the log's first ones,
// so many.
func (e *events) with(after int, message string) (found []map[string]any) {
	for _, line := range e.all()[after:] {
		if text, _ := line["message"].(string); strings.HasPrefix(text, message) {
			found = append(found, line)
		}
	}
	return found
}

// awaitAfter returns the first event of with for which is is true, or the first if is is nil. The
// test fails if it doesn't come.
func (e *events) awaitAfter(t *testing.T, after int, message string,
	is func(line map[string]any) bool) (line map[string]any) {
	t.Helper()
	found := eventually(func() bool {
		for _, line = range e.with(after, message) {
			if is == nil || is(line) {
				return true
			}
		}
		return false
	})
	if !found {
		t.Fatalf("no %q in the log after line %d", message, after)
	}
	return line
}
