package origin

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

func TestDirPermission(t *testing.T) {
	d, root := newSite(t, map[string]string{"no.txt": "x", "nodir/x": "x",
		"noindex/index.html": "x", "yes.txt": "x"})
	d.Browse = true
	check(t, os.Chmod(root, 0o755))
	for _, name := range []string{"no.txt", "nodir", "noindex/index.html"} {
		check(t, os.Chmod(filepath.Join(root, name), 0))
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "nodir"), 0o755) })
	tests := map[string]int{
		"/yes.txt": 200, "/no.txt": 403, "/nodir": 301, "/nodir/": 403, "/nodir/x": 403,
		"/nodir/none": 403, "/noindex/": 403,
		"/": 200,
	}
	got := make(map[string]int)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Getuid() == 0 {
			// Root may do anything; the file system rights of this thread alone are given up, and
			// it ends with its goroutine.
			runtime.LockOSThread()
			syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0)
		}
		for path := range tests {
			req, _ := http.NewRequest("GET", "file://"+path, nil)
			if resp, err := d.RoundTrip(req); err == nil {
				got[path] = resp.StatusCode
				resp.Body.Close()
			} else {
				t.Errorf("%s: %v", path, err)
			}
		}
	}()
	<-done
	for path, want := range tests {
		if got[path] != want {
			t.Errorf("%s: %d, want %d", path, got[path], want)
		}
	}
}

func TestDirKeepsNoFiles(t *testing.T) {
	d, _ := newSite(t, map[string]string{"a.txt": "12345", "empty": "", "dir/x": ""})
	d.Browse = true
	count := func() int {
		files, err := os.ReadDir("/proc/self/fd")
		check(t, err)
		return len(files)
	}
	before := count()
	for _, fields := range [][]string{
		{}, {"If-None-Match", "*"}, {"If-Match", `"x"`}, {"Range", "bytes=1-2"},
		{"Range", "bytes=9-"},
	} {
		for _, path := range []string{"/a.txt", "/empty", "/dir", "/dir/", "/none"} {
			for _, method := range []string{"GET", "HEAD", "POST"} {
				do(t, d, target(t, method, d.BaseURL(), path, fields...))
			}
		}
	}
	if after := count(); after != before {
		t.Errorf("%d files are open, %d were before", after, before)
	}
}
