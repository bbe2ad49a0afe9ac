package main

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/internal/wire/handshake"
)

const (
	ourSecret, otherSecret = "the secret of one cluster", "the secret of another cluster"

	refusal = "a connection to the peer port was refused"
)

// TestSecretsDiffer: nodes with different secrets, or one with none, don't work together. Each
// serves on its own, and its log tells that the other is refused, but no secret, and not what is
// served.
func TestSecretsDiffer(t *testing.T) {
	for name, secrets := range map[string][]string{
		"another": {ourSecret, otherSecret},
		"none":    {ourSecret, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := fleetOf(t, newMembers(t, 2)...)
			private := []string{ourSecret, otherSecret, "/f1", `"f1`}
			for i, m := range f.all {
				m.serve(f.o.URL, "--peers="+strings.Join(f.names(), ","))
				if secrets[i] != "" {
					path := string(write(t, "secret", []byte(secrets[i])))
					private = append(private, path)
					m.args = append(m.args, "--peer-secret-file="+path)
				}
				m.start(t)
			}
			f.exercise(t)
			if got := f.o.Count(); got != 2*exercises {
				t.Errorf("%d origin requests of two nodes on their own for %d files", got,
					exercises)
			}
			for _, m := range f.all {
				m.log.awaitAfter(t, 0, refusal, nil)
				m.awaitPeer(t, 0, "peer refused", f.but(m)[0])
			}
			f.end(t)
			for _, m := range f.all {
				if joined := m.log.with(0, "peer joined"); len(joined) > 0 {
					t.Errorf("a node without the secret has joined: %v", joined)
				}
				for _, line := range m.log.all() {
					for _, text := range private {
						if line["part"] == "cluster" && strings.Contains(line["plain"].(string),
							text) {
							t.Errorf("%s tells %q: %s", m.peer, text, line["plain"])
						}
					}
				}
			}
		})
	}
}

// TestPortsAreApart: nothing of what one port is for is to be had at another.
func TestPortsAreApart(t *testing.T) {
	f := newFleet(t, 2)
	m := f.all[0]
	file := origintest.File{Size: 1000, ETag: `"1"`, Header: maxAge(600)}
	f.o.Handle("/f", file.ServeHTTP)
	f.expect(t, m, "f", file)
	for _, path := range []string{"/files/f", "/healthz", "/readyz", "/"} {
		if answer := talk(t, m.peer, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); answer != "" {
			t.Errorf("the peer port answers HTTP with %q", answer)
		}
	}
	for _, addr := range []string{m.client, m.admin} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := handshake.Greet(conn, true, nil, handshake.Hello{},
			time.Minute); !errors.Is(err, handshake.ErrForeign) {
			t.Errorf("%s answers the greeting of a peer: %v", addr, err)
		}
		conn.Close()
	}
	if answers("http://"+m.admin+"/files/f", http.StatusOK)() || answers("http://"+m.client+
		"/readyz", http.StatusOK)() {
		t.Error("the ports of clients and of health checks are mixed up")
	}
}

// talk sends words to addr, and returns all that comes back before the connection is closed.
func talk(t *testing.T, addr, words string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(conn, words) // may fail: the other side needn't read all of it
	conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s leaves a stranger waiting", addr)
	}
	return string(answer)
}

// TestStrangersAtPeerPort floods the peer port of a node with what isn't a peer's. The node takes
// little memory for it, goes on serving, and neither it nor its peer gives the other up.
func TestStrangersAtPeerPort(t *testing.T) {
	const strangers, atOnce, silent = 3000, 50, 300
	f := newFleet(t, 2, "--peer-heartbeat=500ms", "--peer-secret-file="+string(write(t, "secret",
		[]byte(ourSecret))))
	m, other := f.all[0], f.all[1]
	file := origintest.File{Size: 100 << 10, ETag: `"1"`, Header: maxAge(600)}
	paths := append(f.owned(t, m, 20, "f", file), f.owned(t, other, 20, "g", file)...)

	const greeting = "scurry\r\n\x00\x01"
	var flooding sync.WaitGroup
	for worker := range atOnce {
		flooding.Go(func() {
			random := make([]byte, 64<<10)
			rand.Read(random)
			noise := string(random)
			kinds := []string{
				noise, noise[:1], "", greeting, greeting + noise[:64], greeting + noise, greeting +
					"\xff" + noise,
				"GET /files/f-0 HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
				"\x16\x03\x01\x02\x00\x01" + noise, // TLS
			}
			for i := range strangers / atOnce {
				answer := talk(t, m.peer, kinds[(i+worker)%len(kinds)])
				if len(answer) > 100 || strings.Contains(answer, "HTTP") || strings.Contains(answer,
					m.peer) {
					t.Errorf("a stranger is told %q", answer)
				}
			}
		})
	}
	serve := func() {
		t.Helper()
		for _, path := range paths {
			for _, m := range f.all {
				f.expect(t, m, path, file)
			}
		}
	}
	serve()
	flooding.Wait()
	serve()

	told := m.log.with(0, refusal)
	if len(told) == 0 || len(told) > 100 {
		t.Errorf("%d lines in the log tell of %d strangers", len(told), strangers)
	}
	if runtime.GOOS == "linux" && !raceEnabled {
		t.Logf("peak RSS %d MiB", peakMemory(t, m.cmd.Process.Pid)>>20)
		if peak := peakMemory(t, m.cmd.Process.Pid); peak > 100<<20 {
			t.Errorf("peak RSS %d MiB", peak>>20)
		}
	}

	for range silent { // more than are waited for at once
		conn, err := net.Dial("tcp", m.peer)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	serve()
	for _, m := range f.all {
		if down := m.log.with(0, "peer down"); len(down) > 1 { // before the other one was started
			t.Errorf("%s has given up its peer: %v", m.peer, down)
		}
	}
	mark := m.log.length()
	other.kill(t)
	m.awaitPeer(t, mark, "peer down", other)
	other.start(t)
	f.await(t, f.all...) // who knows the secret gets in
	serve()
}
