package main

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the transcripts in testdata. On top of testscript's commands they have:
//
//	exits CODE program args...   run a program, which must exit with this code
//	freeport NAME...             set variables to ports that are free
//	busyport [-udp] NAME         set a variable to a port that is in use until the script's end, for TCP unless for UDP
//	await URL CODE               ask for URL until it answers with this status
//	fetch URL CODE               ask for URL, which must answer with this status; its body goes to stdout
//	sigterm                      send SIGTERM to the programs in the background
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// else each process takes a second to exit under -race
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":    exits,
			"freeport": freeport,
			"busyport": busyport,
			"await":    await,
			"fetch":    fetch,
			"sigterm":  sigterm,
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", code, want,
			ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

func freeport(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer listener.Close() // once all are known, so that they differ
		_, port, err := net.SplitHostPort(listener.Addr().String())
		ts.Check(err)
		ts.Setenv(name, port)
	}
}

func busyport(ts *testscript.TestScript, _ bool, args []string) {
	if args[0] == "-udp" {
		ts.Setenv(args[1], strconv.Itoa(busyUDP(ts)))
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { listener.Close() })
	ts.Setenv(args[0], strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
}

// busyUDP is a port that is in use for UDP, and free for TCP, also of outgoing connections, whose
// ports are higher.
func busyUDP(ts *testscript.TestScript) int {
	for range 1000 {
		port := 10000 + rand.IntN(20000)
		free, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		conn, err := net.ListenPacket("udp", loopback(port))
		free.Close()
		if err == nil {
			ts.Defer(func() { conn.Close() })
			return port
		}
	}
	ts.Fatalf("no free ports")
	return 0
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	if !eventually(func() bool { status, _, _ := get(args[0]); return strconv.Itoa(status) == args[1] }) {
		ts.Fatalf("%s doesn't answer %s", args[0], args[1])
	}
}

func fetch(ts *testscript.TestScript, _ bool, args []string) {
	status, body, err := get(args[0])
	ts.Check(err)
	if strconv.Itoa(status) != args[1] {
		ts.Fatalf("%s answers %d: %s", args[0], status, body)
	}
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
}

func sigterm(ts *testscript.TestScript, _ bool, _ []string) {
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	}
}

// get asks for url on a connection of its own.
func get(url string) (status int, body []byte, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}
