package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
)

func TestMemoryLimit(t *testing.T) {
	tests := []struct {
		budget int64
		env    []string
		want   int64
	}{
		{0, nil, 40 << 20},
		{100 << 20, nil, 165 << 20},
		{5 << 40, nil, 25<<38 + 40<<20},
		{math.MaxInt64, nil, math.MaxInt64},
		{math.MaxInt64 / 5 * 4, nil, math.MaxInt64},
		{100 << 20, []string{"GOMEMLIMIT=", "XGOMEMLIMIT=1"}, 165 << 20},
		{100 << 20, []string{"HOME=/", "GOMEMLIMIT=1GiB"}, 0},
		{100 << 20, []string{"GOMEMLIMIT=off"}, 0},
	}
	for _, tt := range tests {
		if got := memoryLimit(tt.budget, tt.env); got != tt.want {
			t.Errorf("memoryLimit(%d, %q) = %d, want %d", tt.budget, tt.env, got, tt.want)
		}
	}
}

func TestServeSetsMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64 - 1)
	defer debug.SetMemoryLimit(before)

	startScurry(t, []string{"GOMEMLIMIT=off"})
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64-1 {
		t.Errorf("the limit is %d although the user has set it", got)
	}
	startScurry(t, nil, "--memory=200MiB")
	if got := debug.SetMemoryLimit(-1); got != 290<<20 {
		t.Errorf("the limit is %d, want %d", got, 290<<20)
	}
}

func TestStartLog(t *testing.T) {
	s := startScurry(t, nil, "--origin=http://user:secret@127.0.0.1:1/base", "--memory=512MiB")
	serving := s.log.await(t, "serving")
	if serving["origin"] != "http://xxxxx@127.0.0.1:1/base" || serving["memory"] != "512MiB" ||
		serving["level"] != "info" {
		t.Errorf("the log says %v", serving)
	}
	for _, url := range []string{s.url, s.admin} {
		if strings.Contains(url, ":0") || !strings.HasPrefix(url, "http://127.0.0.1:") {
			t.Errorf("%s isn't a real address", url)
		}
	}
}

// dial opens a connection to the client listener.
func dial(t *testing.T, s *scurry) net.Conn {
	t.Helper()
	address, _, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), "/")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestSlowHeaderIsCut(t *testing.T) {
	s := startScurry(t, nil, "--read-header-timeout=20ms", "--idle-timeout=1h")
	conn := dial(t, s)
	io.WriteString(conn, "GET /files/ HTTP/1.1\r\nHost: x\r\nX-Slow")
	if answer, err := io.ReadAll(conn); err != nil || strings.HasPrefix(string(answer),
		"HTTP/1.1 2") {
		t.Errorf("got %q, %v; want the connection closed", answer, err)
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	s := startScurry(t, nil, "--read-header-timeout=1h", "--idle-timeout=20ms")
	conn := dial(t, s)
	io.WriteString(conn, "GET /files/nothing HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer),
		"HTTP/1.1 404") {
		t.Errorf("got %q, %v; want a 404 and the connection closed", answer, err)
	}
}

func TestLargeHeaderIsRefused(t *testing.T) {
	s := startScurry(t, nil, "--max-header-bytes=8KiB")
	for size, want := range map[int]string{4 << 10: "HTTP/1.1 404", 16 << 10: "HTTP/1.1 431"} {
		conn := dial(t, s)
		io.WriteString(conn, "GET /files/nothing HTTP/1.1\r\nConnection: close\r\nHost: x\r\nX: "+
			strings.Repeat("x", size)+"\r\n\r\n")
		answer := make([]byte, len(want))
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != want {
			t.Errorf("header of %d bytes: %q, %v; want %s", size, answer, err, want)
		}
	}
}

func TestServerLimits(t *testing.T) {
	n := &node{log: zerolog.Nop(), cfg: &config.Config{
		ReadHeaderTimeout: config.Timeout(1 * time.Second),
		IdleTimeout:       config.Timeout(2 * time.Second),
		WriteTimeout:      config.Timeout(3 * time.Second), MaxHeaderBytes: 4,
		Grace: config.Duration(5 * time.Second), ShutdownDelay: config.Duration(6 * time.Second),
	}}
	s := n.clientServer()
	if s.ReadHeaderTimeout != time.Second || s.IdleTimeout != 2*time.Second ||
		s.WriteTimeout != 3*time.Second ||
		// which --grace includes
		s.MaxHeaderBytes != 4 || s.ErrorLog == nil || delay(n.cfg) != 5*time.Second {
		t.Errorf("the client server has %+v", s)
	}
	a := n.adminServer()
	if a.ReadTimeout == 0 || a.WriteTimeout == 0 || a.IdleTimeout == 0 || a.ErrorLog == nil {
		t.Errorf("the admin server has %+v", a)
	}
}

// Zero means none on the command line, and the default in proxy.Config.
func TestZeroFreshnessMeansNone(t *testing.T) {
	c := proxyConfig(&config.Config{MaxStale: config.Duration(time.Hour)}, http.DefaultTransport,
		nil)
	if c.HeuristicLimit >= 0 || c.NegativeTTL >= 0 || c.MaxStale != time.Hour {
		t.Errorf("got %v, %v, %v", c.HeuristicLimit, c.NegativeTTL, c.MaxStale)
	}
}

// A start that fails leaves no listener open: the client port is free again when the admin port is
// taken.
func TestFailedStartClosesWhatItOpened(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	client := freeAddr(t)

	var stderr bytes.Buffer
	code := run(context.Background(), []string{"serve", "--listen", client, "--admin-listen",
		taken.Addr().String()}, io.Discard, &stderr, nil)
	want := "scurry: can't listen on " + taken.Addr().String() +
		": address already in use; choose another address with --admin-listen\n"
	if code != exitFailed || stderr.String() != want {
		t.Errorf("exit code %d, stderr %q; want %q", code, stderr.String(), want)
	}
	again, err := net.Listen("tcp", client)
	if err != nil {
		t.Fatalf("the client listener is still open: %v", err)
	}
	again.Close()
}

// TestStandardLogIsOurs: what a library prints to Go's standard logger comes in our log.
func TestStandardLogIsOurs(t *testing.T) {
	s := startScurry(t, nil, "--origin=http://127.0.0.1:1")
	log.Print("something odd")
	found := eventually(func() bool {
		for _, line := range s.log.all() {
			if line["message"] == "something odd" && line["level"] == "warn" {
				return true
			}
		}
		return false
	})
	if !found {
		t.Errorf("not in the log: %v", s.log.all())
	}
}
