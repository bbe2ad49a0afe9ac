//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/scurrycache/scurry/internal/config"
	"github.com/scurrycache/scurry/internal/origintest"
)

// manager does what systemd does with a service that is activated by sockets: it opens them, passes
// them to each process of the service, and is notified of what that does.
type manager struct {
	files   []*os.File
	names   []string
	notices *net.UnixConn
}

func newManager(t *testing.T, names ...string) (m *manager, addresses []string) {
	t.Helper()
	m = &manager{names: names}
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // as systemd's sockets are
	for range names {
		l, err := plain.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, l.Addr().String())
		l.Close() // the copy is open
		t.Cleanup(func() { f.Close() })
		m.files = append(m.files, f)
	}
	path := filepath.Join(t.TempDir(), "notify")
	var err error
	m.notices, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.notices.Close() })
	return m, addresses
}

// start starts a process of the service.
func (m *manager) start(t *testing.T, args ...string) (*exec.Cmd, *events) {
	t.Helper()
	const pass = `LISTEN_PID=$$ exec scurry "$@"` // which keeps the shell's process
	cmd := exec.Command("sh", append([]string{"-c", pass, "sh"}, args...)...)
	cmd.ExtraFiles = m.files
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.notices.LocalAddr().String(),
		fmt.Sprint("LISTEN_FDS=", len(m.files)), "LISTEN_FDNAMES="+strings.Join(m.names, ":"))
	return cmd, launch(t, cmd)
}

// notice returns the next notice.
func (m *manager) notice(t *testing.T) string {
	t.Helper()
	b := make([]byte, 4096)
	n, err := m.notices.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func (m *manager) expect(t *testing.T, pattern string) {
	t.Helper()
	if got := m.notice(t); !regexp.MustCompile("(?s)^" + pattern + "$").MatchString(got) {
		t.Errorf("the manager is told %q, want %q", got, pattern)
	}
}

// TestReplaced: a process is replaced by another one, either at once or after its end, while
// clients ask all the time. Each of them connects, and is answered.
func TestReplaced(t *testing.T) {
	o := origintest.New(t)
	file := origintest.File{Size: 100 << 10, ETag: `"1"`, Header: maxAge(600)}
	o.Handle("/f", file.ServeHTTP)
	m, at := newManager(t, "client", "admin")
	args := []string{"serve", "--origin=" + o.URL, "--listen=" + at[0], "--admin-listen=" + at[1],
		"--log-format=json", "--shutdown-delay=100ms"}
	cmd, _ := m.start(t, args...)
	m.expect(t, "READY=1\nSTATUS=Serving")

	asking, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var answered atomic.Int64
	for i := range 4 {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: i > 0}}
		t.Cleanup(client.CloseIdleConnections)
		clients.Go(func() {
			for asking.Err() == nil {
				res, err := client.Get("http://" + at[0] + "/files/f")
				if err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				b, err := io.ReadAll(res.Body)
				res.Body.Close()
				if res.StatusCode != 200 || int64(len(b)) != file.Size || err != nil {
					t.Errorf("client %d: status %d, %d bytes, %v", i, res.StatusCode, len(b), err)
				}
				answered.Add(1)
			}
		})
	}
	for i := range 6 {
		begin := answered.Load()
		if !eventually(func() bool { return answered.Load() > begin+20 }) {
			t.Fatal("clients aren't answered any more")
		}
		last := cmd
		if i%2 == 0 { // both are there for a while
			cmd, _ = m.start(t, args...)
			m.expect(t, "READY=1\nSTATUS=Serving")
		}
		send(t, last, syscall.SIGTERM)
		m.expect(t, "STOPPING=1\nSTATUS=Finishing .*")
		if err := last.Wait(); err != nil {
			t.Error(err)
		}
		if i%2 == 1 { // clients wait
			cmd, _ = m.start(t, args...)
			m.expect(t, "READY=1\nSTATUS=Serving")
		}
	}
	stop()
	clients.Wait()
	send(t, cmd, syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestReloadIsNotified: the service manager is told when a reload begins, that it has ended, and
// what has come of it.
func TestReloadIsNotified(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scurry.yaml")
	set := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("")
	m, at := newManager(t, "client", "admin", "peer")
	cmd, log := m.start(t, "serve", "--config="+file, "--listen="+at[0], "--admin-listen="+at[1],
		"--log-format=json",
		"--peer-listen="+at[2], "--peers="+at[2], "--shutdown-delay=0s")
	m.expect(t, "READY=1\nSTATUS=Serving")
	serving := log.await(t, "serving")
	if serving["url"] != "http://"+at[0]+"/files/" || serving["admin"] != "http://"+at[1] ||
		serving["peers"] != at[2] {
		t.Errorf("the log says %v", serving)
	}
	const begins = `RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=Reloading`
	send(t, cmd, syscall.SIGHUP)
	m.expect(t, begins)
	m.expect(t, "READY=1\nSTATUS=Serving")
	set("memory: lots")
	send(t, cmd, syscall.SIGHUP)
	m.expect(t, begins)
	m.expect(t, "READY=1\nSTATUS=Serving with the settings from before: .*memory: expected .*")
	send(t, cmd, syscall.SIGTERM)
	m.expect(t, "STOPPING=1\nSTATUS=.*")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestWrongSockets: sockets that don't fit the settings end the start.
func TestWrongSockets(t *testing.T) {
	for name, c := range map[string]struct {
		names []string
		args  []string
		want  string
	}{
		"name": {[]string{"client", "scurry.socket"}, nil,
			"it has no use for: scurry.socket; it uses those whose units have " +
				"FileDescriptorName=client, =admin"},
		"twice": {[]string{"admin", "admin"}, nil,
			`"admin" that was passed to this process: expected one that listens for TCP, of each name`},
		"address": {[]string{"client", "admin"}, []string{"--listen=127.0.0.1:1"},
			`"client" that was passed to this process is at 127.0.0.1:`},
		"peer": {[]string{"client", "admin", "peer"}, nil, "it has no use for: peer; "},
	} {
		t.Run(name, func(t *testing.T) {
			m, at := newManager(t, c.names...)
			cmd, log := m.start(t, append([]string{"serve", "--listen=" + at[0], "--admin-listen=" +
				at[1]}, c.args...)...)
			if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != exitUsage {
				t.Errorf("it ends with %v", err)
			}
			if !eventually(log.atEnd) || len(log.all()) != 1 ||
				!strings.Contains(log.all()[0]["plain"].(string), c.want) {
				t.Errorf("it says %v, want %q", log.all(), c.want)
			}
		})
	}
}

func TestSameAddress(t *testing.T) {
	for _, tt := range []struct {
		addr config.Addr
		at   string
		same bool
	}{
		{"127.0.0.1:80", "127.0.0.1:80", true},
		{"127.0.0.1:0", "127.0.0.1:80", true},
		{"127.0.0.1:81", "127.0.0.1:80", false},
		{"127.0.0.1:80", "0.0.0.0:80", false},
		{"127.0.0.1:80", "[::]:80", false},
		{"0.0.0.0:80", "127.0.0.1:80", false},
		{":80", "[::]:80", true},
		{"0.0.0.0:80", "[::]:80", true},
		{"[::]:80", "0.0.0.0:80", true},
		{"[::1]:80", "[::1]:80", true},
		{"localhost:80", "127.0.0.1:80", true},
		{"localhost:80", "192.0.2.1:80", false},
		{"127.0.0.1:80", "[::ffff:127.0.0.1]:80", true},
	} {
		if got := sameAddress(tt.addr, netip.MustParseAddrPort(tt.at)); got != tt.same {
			t.Errorf("%s and %s: %v", tt.addr, tt.at, got)
		}
	}
}
