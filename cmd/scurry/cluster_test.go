package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// freeAddr is an address on loopback that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l := origintest.Listen(t)
	defer l.Close()
	return l.Addr().String()
}

func TestClusterStartLog(t *testing.T) {
	addr := freeAddr(t)
	for name, args := range map[string][]string{
		"list":   {"--peers=" + addr},
		"file":   {"--peers=file:" + string(write(t, "peers", []byte(addr+"\n")))},
		"gossip": {"--gossip-listen=127.0.0.1:0"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startScurry(t, nil, append(args, "--peer-listen="+addr)...)
			serving := s.log.await(t, "serving")
			if serving["peers"] != addr || serving["self"] != addr {
				t.Errorf("the log says %v", serving)
			}
			if _, gossips := serving["gossip"]; gossips != (name == "gossip") {
				t.Errorf("the log says %v", serving)
			}
		})
	}
}

// Whatever a node has opened is closed when its start fails at the end.
func TestFailedStartLeavesCluster(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	peers, gossip := freeAddr(t), freeAddr(t)
	for range 2 {
		code := run(t.Context(), []string{"serve", "--listen=127.0.0.1:0", "--admin-listen=" +
			taken.Addr().String(),
			"--peer-listen=" + peers, "--gossip-listen=" + gossip}, io.Discard, io.Discard, nil)
		if code != exitFailed {
			t.Errorf("exit code %d", code)
		}
	}
	for _, addr := range []string{peers, gossip} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}

// SIGHUP ends no node. It has a list of peers in a file read again, and a list that can't be read
// leaves the one before.
func TestHangup(t *testing.T) {
	one, two := freeAddr(t), freeAddr(t)
	path := filepath.Join(t.TempDir(), "peers")
	list := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list(one)
	cmd, log := startProcess(t, "serve", "--listen=127.0.0.1:0", "--log-format=json",
		"--peer-listen="+one, "--peers=file:"+path)
	serving := log.await(t, "serving")
	list(one + "\n" + two)
	send(t, cmd, syscall.SIGHUP)
	log.await(t, "reloaded")
	list("nonsense")
	send(t, cmd, syscall.SIGHUP)
	if problem := log.await(t, "not reloaded: the settings stay as they were"); problem["level"] != "error" ||
		problem["error"] != "the nodes stay as they were: "+path+
			`:1: expected HOST:PORT such as 10.0.0.1:8001, not "nonsense": it has no port` {
		t.Errorf("the log says %v", problem)
	}
	if !answers(serving["admin"].(string)+"/readyz", 200)() {
		t.Error("not ready after SIGHUP")
	}
	send(t, cmd, syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
