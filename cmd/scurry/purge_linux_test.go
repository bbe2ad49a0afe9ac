package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/internal/purge"
)

// edition is a file that is another one after each purge, with another validator.
type edition struct {
	now  atomic.Int64
	hold chan chan struct{} // a response that begins by then ends when what it sends is closed
}

func (e *edition) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text := fmt.Sprintf("edition %d\n", e.now.Load())
	release := make(chan struct{})
	select {
	case e.hold <- release:
		<-release
	default:
	}
	w.Header().Set("Etag", fmt.Sprintf("%q", strings.TrimSpace(text)))
	w.Header().Set("Cache-Control", "max-age=600")
	if r.Header.Get("If-None-Match") == w.Header().Get("Etag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	io.WriteString(w, text)
}

// TestPurgeWithoutAStoppedNode purges while a node is stopped: it is named as one that hasn't
// acknowledged. When it runs again, it sends nothing of what was purged, not even in response to
// requests that have waited in its sockets, whether it owns that or has copies; nor do they join
// requests to the origin from before.
func TestPurgeWithoutAStoppedNode(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, "--peer-heartbeat=100ms")
	file := &edition{hold: make(chan chan struct{})}
	const paths, clients = 6, 32
	for i := range paths {
		f.o.Handle(fmt.Sprint("/f", i), file.ServeHTTP)
	}
	stopped := f.all[0]
	for round := range 3 {
		var conns []*bufio.ReadWriter
		for i := range clients {
			c, err := net.Dial("tcp", stopped.client)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			rw := bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c))
			if got, want := askOver(t, rw, i%paths), fmt.Sprintf("edition %d\n",
				round); got != want {
				t.Fatalf("before round %d there is %q", round, got)
			}
			conns = append(conns, rw)
		}
		slow := f.owned(t, stopped, 1, fmt.Sprint("slow", round), origintest.File{Size: 1,
			ETag: `"1"`, Header: maxAge(600)})[0]
		f.o.Handle("/"+slow, file.ServeHTTP)
		if code := run(t.Context(), []string{"purge", "--admin", stopped.admin, "/files/" + slow},
			io.Discard, io.Discard, nil); code != exitOK {
			t.Fatal("a purge by the node itself fails")
		}
		first := make(chan error, 1)
		go func() {
			resp, err := f.client.Get(stopped.url(slow))
			if err == nil {
				resp.Body.Close()
			}
			first <- err
		}()
		release := <-file.hold // it waits for the origin, which has sent the old edition
		before := f.marks()
		send(t, stopped.cmd, syscall.SIGSTOP)
		file.now.Add(1)
		var out, errs strings.Builder
		code := run(t.Context(), []string{"purge", "--all", "--json", "--admin", f.all[1].admin},
			&out, &errs, nil)
		var answer purge.Answer
		if err := json.Unmarshal([]byte(out.String()), &answer); err != nil || code != exitFailed ||
			!strings.Contains(errs.String(), "1 of 3 nodes") {
			t.Fatalf("exit code %d: %s%s", code, out.String(), errs.String())
		}
		for _, n := range answer.Nodes {
			if missing := n.Name == stopped.peer; missing != (n.Status == "failed") {
				t.Errorf("%+v", n)
			}
		}
		for i, c := range conns {
			path := fmt.Sprint("f", i%paths)
			if i == 0 {
				path = slow
			}
			fmt.Fprintf(c, "GET /files/%s HTTP/1.1\r\nHost: a\r\n\r\n", path)
			if err := c.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		send(t, stopped.cmd, syscall.SIGCONT)
		want := fmt.Sprintf("edition %d\n", round+1)
		// it runs, and the other one has joined, if it does
		if got := askOver(t, conns[1], 1); got != want {
			t.Errorf("round %d: %q", round, got)
		}
		close(release)
		if err := <-first; err != nil {
			t.Error(err)
		}
		for i, c := range conns {
			if got := response(t, c); got != want {
				t.Errorf("round %d: client %d, who waited, gets %q", round, i, got)
			}
			if got := askOver(t, c, (i+1)%paths); got != want {
				t.Errorf("round %d: client %d gets %q", round, i, got)
			}
		}
		f.all[1].awaitPeer(t, before[f.all[1]], "peer joined", stopped)
		f.await(t, f.all...)
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"purge", "--all", "--admin", stopped.admin}, &out, &errs,
		nil); code != exitOK {
		t.Errorf("with all nodes, exit code %d: %s%s", code, out.String(), errs.String())
	}
}

// askOver asks for a file over a connection.
func askOver(t *testing.T, c *bufio.ReadWriter, file int) string {
	t.Helper()
	fmt.Fprintf(c, "GET /files/f%d HTTP/1.1\r\nHost: a\r\n\r\n", file)
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	return response(t, c)
}

// response is the content of the next response.
func response(t *testing.T, c *bufio.ReadWriter) string {
	t.Helper()
	resp, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	return string(b)
}
