//go:build unix

package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLogReaderComesBack: a named pipe that lacks a reader for a while is written to again when it
// has another one, which is told what it has missed and why.
func TestLogReaderComesBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	r := openFIFO(t, path, os.O_RDONLY|syscall.O_NONBLOCK)
	p := startPiped(t, r, openFIFO(t, path, os.O_WRONLY))
	r.Close()
	const requests = 2000
	p.ask(t, requests)

	p.lines = bufio.NewScanner(openFIFO(t, path, os.O_RDONLY|syscall.O_NONBLOCK))
	p.ask(t, 1)
	if dropped, reason := p.account(t, requests+1); dropped == 0 || !strings.HasSuffix(reason,
		"broken pipe") {
		t.Errorf("%d lines are told to be dropped, since %s", dropped, reason)
	}
	p.stop(t)
}

func openFIFO(t *testing.T, path string, flag int) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
