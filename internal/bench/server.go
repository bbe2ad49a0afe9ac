package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is one of those that are compared.
type server struct {
	name    string
	command func(port int, size int64) ([]string, error)
	prefix  string // of its paths
}

// The names of the servers, which the table goes by.
const (
	scurry      = "scurry"
	nginxLogged = "nginx, log"
	nginx       = "nginx"
	varnish     = "Varnish"
	limit       = "limit"
	relay       = "relay"
)

const (
	noNginx   = "nginx, which isn't installed: apt-get install nginx-light"
	noVarnish = "Varnish, which isn't installed: apt-get install varnish"
)

// The limits of this machine: of what answers from memory, and of what passes on.
var (
	//go:embed limit/limit.c
	limitSource string
	//go:embed limit/relay.c
	relaySource string
)

// prepare builds what has to be built, and returns what can be started, and why others can't.
func prepare(ctx context.Context, dir, origin string) (list []server, missing []string, err error) {
	for _, tool := range []string{"wrk", "taskset"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, nil, fmt.Errorf("%s isn't installed: apt-get install wrk util-linux", tool)
		}
	}
	binary, err := buildScurry(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	list = append(list, server{scurry, func(port int, _ int64) ([]string, error) {
		return []string{binary, "serve", "--listen", address(port), "--admin-listen", "127.0.0.1:0",
			"--origin", origin, "--log-format", "json", "--memory", "1GiB"}, nil
	}, "/files/"})
	if _, err := exec.LookPath("nginx"); err != nil {
		missing = append(missing, noNginx)
	} else {
		list = append(list,
			server{nginxLogged, nginxCommand(dir, origin, "log"), "/"},
			server{nginx, nginxCommand(dir, origin, ""), "/"})
	}
	if _, err := exec.LookPath("varnishd"); err != nil {
		missing = append(missing, noVarnish)
	} else {
		list = append(list, server{varnish, varnishCommand(dir, origin, "1g"), "/"})
	}
	if compiled, err := compile(ctx, dir, limit, limitSource); err != nil {
		missing = append(missing, err.Error())
	} else {
		list = append(list, server{limit, func(port int, size int64) ([]string, error) {
			return []string{compiled, strconv.Itoa(port), strconv.FormatInt(size, 10)}, nil
		}, "/"})
	}
	return list, missing, nil
}

// compile compiles a program in C.
func compile(ctx context.Context, dir, name, source string) (binary string, err error) {
	binary = filepath.Join(dir, name)
	err = output(ctx, source, "cc", "-O2", "-pthread", "-o", binary, "-x", "c", "-")
	if err != nil {
		err = fmt.Errorf("the %s, which can't be compiled: %w", name, err)
	}
	return binary, err
}

// relayTo is how the relay is started in front of the server at an address.
func relayTo(binary, server string) func(int, int64) ([]string, error) {
	return func(port int, _ int64) ([]string, error) {
		_, to, err := net.SplitHostPort(server)
		return []string{binary, strconv.Itoa(port), to}, err
	}
}

// varnishCommand is how Varnish is started as a cache of that size. It evicts as many files as a
// new one needs, and not 50 at most: else that would end too early.
func varnishCommand(dir, origin, size string) func(int, int64) ([]string, error) {
	return func(port int, _ int64) ([]string, error) {
		return []string{"varnishd", "-F", "-j", "none", "-n", filepath.Join(dir, "varnish"),
			"-a", address(port), "-b", strings.TrimPrefix(origin, "http://"),
			"-s", "malloc," + size, "-p", "nuke_limit=1000000"}, nil
	}
}

// nginxCommand is how nginx is started as a cache, with a log in a file if that is named. It keeps
// its connections to the origin, which it doesn't by default.
func nginxCommand(dir, origin, log string) func(int, int64) ([]string, error) {
	return func(port int, _ int64) ([]string, error) {
		root := filepath.Join(dir, "nginx"+log)
		access := "off"
		if log != "" {
			access = filepath.Join(root, log)
		}
		text := fmt.Sprintf(`
user root; daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error;
events { worker_connections 4096; }
http {
	access_log %[2]s; sendfile on; tcp_nodelay on;
	keepalive_requests 1000000000; open_file_cache max=1000 inactive=600s;
	client_body_temp_path %[1]s/b; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u;
	scgi_temp_path %[1]s/s; proxy_temp_path %[1]s/p;
	proxy_cache_path %[1]s/cache keys_zone=c:10m max_size=1g;
	proxy_http_version 1.1; proxy_set_header Connection "";
	upstream origin { server %[4]s; keepalive 64; keepalive_requests 1000000000; }
	server {
		listen %[3]s;
		location / { proxy_pass http://origin; proxy_cache c; }
	}
}`, root, access, address(port), strings.TrimPrefix(origin, "http://"))
		if err := os.MkdirAll(root, 0o755); err != nil {
			return nil, err
		}
		config := filepath.Join(root, "conf")
		return []string{"nginx", "-e", filepath.Join(root, "error"), "-c", config},
			os.WriteFile(config, []byte(text), 0o644)
	}
}

// buildScurry builds scurry in dir.
func buildScurry(ctx context.Context, dir string) (binary string, err error) {
	binary = filepath.Join(dir, "scurry")
	return binary, output(ctx, "", "go", "build", "-o", binary,
		"github.com/scurrycache/scurry/cmd/scurry")
}

func address(port int) string { return fmt.Sprint("127.0.0.1:", port) }

// output runs a command to its end. The error has what it printed.
func output(ctx context.Context, stdin string, command ...string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Stdin = strings.NewReader(stdin)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return nil
}

// running is a server that has been started, with all its processes in one group.
type running struct {
	name, url string
	group     int
	wait      chan error
}

var firstCore = []string{"taskset", "-c", "0", "env", "GOMAXPROCS=1"}

// start starts s on the first core, and waits until it has the file of that size.
func (s server) start(ctx context.Context, size int64) (*running, error) {
	return s.launch(ctx, size, firstCore...)
}

// launch starts s by way of a command, and waits until it has the file of that size.
func (s server) launch(ctx context.Context, size int64, by ...string) (*running, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	command, err := s.command(ports[0], size)
	if err != nil {
		return nil, err
	}
	r, err := begin(ctx, s.name, "http://"+address(ports[0])+s.prefix+strconv.FormatInt(size, 10),
		append(by, command...))
	if err != nil {
		return nil, err
	}
	if err := r.warm(ctx, size); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

// freePorts returns ports on loopback that nobody listens at.
func freePorts(n int) (list []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // once all have been found: so they differ
		list = append(list, l.Addr().(*net.TCPAddr).Port)
	}
	return list, nil
}

// begin starts a server. What it prints to stderr goes to a file that lasts as long as it is open.
func begin(ctx context.Context, name, url string, command []string) (*running, error) {
	log, err := os.CreateTemp("", "bench-log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	_ = os.Remove(log.Name())
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Stderr, c.SysProcAttr = log, &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		return nil, err
	}
	r := &running{name: name, url: url, group: c.Process.Pid, wait: make(chan error, 1)}
	go func() { r.wait <- c.Wait() }()
	return r, nil
}

// stop ends the server's processes.
func (r *running) stop() {
	_ = syscall.Kill(-r.group, syscall.SIGKILL) // it may have ended
	<-r.wait
}

func stopAll(list []*running) {
	for _, r := range list {
		r.stop()
	}
}

// startTime is how long a server may take to start.
const startTime = 20 * time.Second

// warm asks for the file until it comes whole.
func (r *running) warm(ctx context.Context, size int64) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		_, n, err := get(ctx, r.url)
		if err == nil && n == size {
			return nil
		}
		select {
		case err := <-r.wait:
			r.wait <- err
			return fmt.Errorf("it has ended: %v", err)
		case <-ctx.Done():
			return fmt.Errorf("%s: %d of %d bytes came, %v", r.url, n, size, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// get reads what url has, and returns its head and how long it is.
func get(ctx context.Context, url string) (http.Header, int64, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	return resp.Header, n, err
}
