package main

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
)

const meminfo = "MemTotal:       16301012 kB\nMemFree:         1234 kB\n" // 15.5 GiB

func TestMemoryBound(t *testing.T) {
	const machine, group = "this machine has", "its control group may have"
	tests := []struct {
		name  string
		files map[string]string
		bytes int64
		by    string
	}{
		{"nothing is known", nil, 0, machine},
		{"a machine", map[string]string{"proc/meminfo": meminfo}, 16301012 << 10, machine},
		{"no limit", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n"}, 16301012 << 10, machine},
		{"version 2", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "536870912\n"}, 512 << 20, group},
		{"version 2, on a group outside", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "1073741824\n", "sys/fs/cgroup/a/memory.max": "536870912\n"}, 512 << 20, group},
		{"version 2, in a container", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20, group},
		{"version 2, out of a container's sight", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../../x\n",
			"sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20, group},
		{"version 2, above the machine's", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "53687091200\n"}, 16301012 << 10, machine},
		{"version 1", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "5:cpu,cpuacct:/c\n4:memory:/a\n0::/a\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "536870912\n"}, 512 << 20, group},
		{"version 1, in a container", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:hugetlb,memory:/docker/0123\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n"}, 512 << 20, group},
		{"version 1, no limit", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 16301012 << 10, machine},
		{"a group only", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20, group},
		{"not to be understood", map[string]string{"proc/meminfo": "MemTotal: lots\nMemTotal:\n", "proc/self/cgroup": "\n0\n0::\nx:y:z\n",
			"sys/fs/cgroup/memory.max": "-5"}, 0, machine},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if bytes, by := memoryBound(mapped(tt.files)); bytes != tt.bytes || by != tt.by {
				t.Errorf("%s %d, want %s %d", by, bytes, tt.by, tt.bytes)
			}
		})
	}
}

func mapped(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

// TestTooMuchMemoryIsTold: with both numbers, once the process would take more than it can have.
func TestTooMuchMemoryIsTold(t *testing.T) {
	root := mapped(map[string]string{"proc/meminfo": meminfo})
	for memory, want := range map[config.Size]string{
		256 << 20: "",
		12 << 30:  "",
		13 << 30:  "--memory 13GiB is too much: once the cache is full, the process takes about 16 GiB, but this machine has 16 GiB: it will be killed",
		5 << 40:   "--memory 5TiB is too much: once the cache is full, the process takes about 6.0 TiB, but this machine has 16 GiB: it will be killed",
		1 << 62:   "--memory 4EiB is too much: once the cache is full, the process takes about 4.8 EiB, but this machine has 16 GiB: it will be killed",
	} {
		var out bytes.Buffer
		warnOfMemory(memory, root, zerolog.New(&out))
		if got := out.String(); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", memory, got, want)
		}
	}
}

// A server says so when it starts, serves, and ends when it is told to, although it would take days
// to empty such a cache.
func TestServesWithTooMuchMemory(t *testing.T) {
	cmd, log := startProcess(t, "serve", "--memory=1000TiB", "--listen=127.0.0.1:0", "--log-format=json")
	url := log.await(t, "serving")["url"].(string)
	line := log.all()[0]
	if message, _ := line["message"].(string); line["level"] != "warn" || !strings.HasPrefix(message, "--memory 1000TiB is too much") {
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
