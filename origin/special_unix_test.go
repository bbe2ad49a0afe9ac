//go:build unix && !solaris && !illumos && !aix

package origin

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDirSpecialFiles would hang at the FIFO if it were opened like a file.
func TestDirSpecialFiles(t *testing.T) {
	d, root := newSite(t, map[string]string{"dir/a.txt": "a", "site/x": "x"})
	d.Browse = true
	check(t, syscall.Mkfifo(filepath.Join(root, "fifo"), 0o644))
	check(t, syscall.Mkfifo(filepath.Join(root, "site/index.html"), 0o644))
	t.Chdir(root) // a socket's path has to be short
	l, err := net.Listen("unix", "socket")
	check(t, err)
	defer l.Close()
	outside := filepath.Join(t.TempDir(), "outside")
	check(t, os.WriteFile(outside, []byte("outside"), 0o644))
	for name, to := range map[string]string{
		"in": "dir/a.txt", "dir/up": "../dir/a.txt", "indir": "dir", "tofifo": "fifo",
		"dangling": "nowhere",
		"loop":     "loop", "null": "/dev/null", "absolute": filepath.Join(root, "dir/a.txt"),
		"out":    outside,
		"outdir": filepath.Dir(outside), "outrel": "../../../../../../../../" + outside,
		"updown": "../" + filepath.Base(root) + "/dir",
	} {
		check(t, os.Symlink(to, filepath.Join(root, name)))
	}
	for path, want := range map[string]int{
		"/in": 200, "/dir/up": 200, "/indir": 301, "/indir/": 200, "/indir/a.txt": 200,
		"/site/": 200,
		"/fifo":  404, "/fifo/": 404, "/tofifo": 404, "/socket": 404, "/site/index.html": 404,
		"/dangling": 404,
		"/loop":     404, "/null": 404, "/absolute": 404, "/out": 404, "/outdir": 404,
		"/outdir/":        404,
		"/outdir/outside": 404, "/outrel": 404, "/updown/a.txt": 404, "/loop/x": 404,
		"/fifo/x": 404,
	} {
		if resp, _ := get(t, d, path); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	if _, page := get(t, d, "/"); strings.Contains(page, "fifo") || strings.Contains(page,
		"socket") ||
		strings.Contains(page, "out") || !strings.Contains(page, "indir/") {
		t.Errorf("the listing:\n%s", page)
	}
}

// TestOpenRegular opens names that aren't a file's any more since they were looked at. It would
// hang at the FIFO if it waited for a writer.
func TestOpenRegular(t *testing.T) {
	d, root := newSite(t, map[string]string{"dir/": ""})
	check(t, syscall.Mkfifo(filepath.Join(root, "fifo"), 0o644))
	t.Chdir(root)
	l, err := net.Listen("unix", "socket")
	check(t, err)
	defer l.Close()
	for _, name := range []string{"fifo", "dir", "socket", "none"} {
		if f, _, err := openRegular(d.first, name); f != nil || d.status(err) != 404 {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}
