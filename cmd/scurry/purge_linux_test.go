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
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/internal/purge"
)

// edition is a file that is another one after each purge, with another validator.
type edition struct{ now atomic.Int64 }

func (e *edition) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.answer(w, r, e.now.Load())
}

// answer sends the edition of that number.
func (e *edition) answer(w http.ResponseWriter, r *http.Request, number int64) {
	text := fmt.Sprintf("edition %d\n", number)
	w.Header().Set("Etag", fmt.Sprintf("%q", strings.TrimSpace(text)))
	w.Header().Set("Cache-Control", "max-age=600")
	if r.Header.Get("If-None-Match") == w.Header().Get("Etag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	io.WriteString(w, text)
}

// held answers the first request with the edition of the time when it came, once release is closed,
// and closes begun when it has come.
func (e *edition) held(begun, release chan struct{}) http.HandlerFunc {
	var again atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) {
		number := e.now.Load()
		if !again.Swap(true) {
			close(begun)
			<-release
		}
		e.answer(w, r, number)
	}
}

// TestPurgeWithoutAStoppedNode purges while a node is stopped: it is named as one that hasn't
// acknowledged. When it runs again, it sends nothing of what was purged, not even in response to
// requests that have waited in its sockets, whether it owns that or has copies; nor do they join
// requests to the origin from before.
func TestPurgeWithoutAStoppedNode(t *testing.T) {
	t.Parallel()
	const heartbeat = 100 * time.Millisecond
	f := newFleet(t, 3, fmt.Sprint("--peer-heartbeat=", heartbeat))
	file := &edition{}
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
		begun, release := make(chan struct{}), make(chan struct{})
		f.o.Handle("/"+slow, file.held(begun, release))
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
		<-begun // it waits for the origin, which has the old edition
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
		// From when it counts as dead on, it has stood still for as long as it takes to notice that. The
		// log says that a little later.
		down := f.all[1].log.awaitAfter(t, before[f.all[1]], "peer down", nil)
		since, err := time.Parse(time.RFC3339Nano, fmt.Sprint(down["time"]))
		if waited := time.Since(since); err != nil || waited < 3*heartbeat {
			t.Errorf("round %d: it has been waited for %s after %v, %v", round, waited, down, err)
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
