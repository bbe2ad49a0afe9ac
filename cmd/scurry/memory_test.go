package main

import (
	"bytes"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
)

// TestMemoryBound: the machine that the tests run on has some memory.
func TestMemoryBound(t *testing.T) {
	if bytes, by := memoryBound(); bytes == 0 || by == "" {
		t.Errorf("%q %d", by, bytes)
	}
}

// TestTooMuchMemoryIsTold: with both numbers, once the process would take more than it can have.
func TestTooMuchMemoryIsTold(t *testing.T) {
	const bound = 16301012 << 10 // 15.5 GiB
	for memory, want := range map[config.Size]string{
		256 << 20: "",
		12 << 30:  "",
		13 << 30: "--memory 13GiB is too much: once the cache is full, the process takes about " +
			"16 GiB, but this machine has 16 GiB: it will be killed",
		5 << 40: "--memory 5TiB is too much: once the cache is full, the process takes about 6.3 " +
			"TiB, but this machine has 16 GiB: it will be killed",
		1 << 62: "--memory 4EiB is too much: once the cache is full, the process takes about 5.0 " +
			"EiB, but this machine has 16 GiB: it will be killed",
	} {
		var out bytes.Buffer
		warnOfMemory(memory, bound, "this machine has", zerolog.New(&out))
		if got := out.String(); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", memory, got, want)
		}
	}
}

// A server says so when it starts, serves, and ends when it is told to, although it would take long
// to empty such a cache.
func TestServesWithTooMuchMemory(t *testing.T) {
	cmd, log := startProcess(t, "serve", "--memory=50TiB", "--listen=127.0.0.1:0",
		"--log-format=json")
	url := log.await(t, "serving")["url"].(string)
	line := log.all()[0]
	if message, _ := line["message"].(string); line["level"] != "warn" ||
		!strings.HasPrefix(message, "--memory 50TiB is too much") {
		t.Errorf("the log begins %v", line)
	}
	if !answers(url+"nothing", 404)() {
		t.Error("it doesn't serve")
	}
	send(t, cmd, syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
