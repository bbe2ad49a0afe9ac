package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestNoRequestIsLost: clients that heed Connection: close lose no request when the process is told
// to stop, however busy they keep it: those that keep their connections, and those that make new
// ones; with hits, and with POSTs that nobody may send twice.
func TestNoRequestIsLost(t *testing.T) {
	o := origintest.New(t)
	o.Handle("/f", origintest.File{Size: 1000, ETag: `"1"`, Header: maxAge(600)}.ServeHTTP)
	o.Handle("/post", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	for round := range 4 {
		cmd, log := startProcess(t, "serve", "--origin="+o.URL, "--listen=127.0.0.1:0",
			"--admin-listen=127.0.0.1:0",
			"--log-format=json", "--shutdown-delay=200ms")
		url := log.await(t, "serving")["url"].(string)
		address, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
		clients := busyClients{t: t, address: address}
		for i := range 64 {
			clients.running.Go(func() { clients.ask(i%2 == 0, i%4 > 0) })
		}
		if !eventually(func() bool { return clients.answered.Load() > 2000 }) {
			t.Error("the answers have stopped")
		}
		send(t, cmd, syscall.SIGTERM)
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitOK {
			t.Errorf("exit code %d", code)
		}
		clients.running.Wait()
		t.Logf("round %d: %d requests were answered, %d of them with a close, %d were lost", round,
			clients.answered.Load(), clients.told.Load(), clients.lost.Load())
		if clients.told.Load() == 0 {
			t.Error("no client was told that its connection ends")
		}
	}
}

// busyClients ask as fast as they are answered, until nobody listens any more.
type busyClients struct {
	t                    *testing.T
	address              string
	running              sync.WaitGroup
	answered, told, lost atomic.Int64
}

// ask asks for the same again and again, with POSTs or GETs, on connections that it keeps, or not.
func (b *busyClients) ask(post, keep bool) {
	request := "GET /files/f HTTP/1.1\r\nHost: n\r\n"
	if post {
		request = "POST /files/post HTTP/1.1\r\nHost: n\r\nContent-Length: 5\r\n"
	}
	if !keep {
		request += "Connection: close\r\n"
	}
	if request += "\r\n"; post {
		request += "acorn"
	}
	for {
		c, err := net.Dial("tcp", b.address)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			err = b.use(c, request, keep)
			c.Close()
		}
		if err != nil {
			b.lost.Add(1)
			b.t.Errorf("lost: %.10q...: %v", request, err)
			return
		}
	}
}

// use sends request on c until a response says that it is the last one.
func (b *busyClients) use(c net.Conn, request string, keep bool) error {
	r := bufio.NewReader(c)
	for {
		if _, err := io.WriteString(c, request); err != nil {
			return err
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		b.answered.Add(1)
		if resp.Close {
			if keep {
				b.told.Add(1)
			}
			return nil
		}
	}
}
