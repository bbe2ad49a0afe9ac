package origin

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// deployments returns a new folder, and a function that makes one in it whose files can be
// distinguished by the version in them.
func deployments(t *testing.T) (in string, deploy func(name, version string)) {
	t.Helper()
	in = t.TempDir()
	deploy = func(name, version string) {
		writeFile(t, filepath.Join(in, name, "a.txt"), version, false)
		writeFile(t, filepath.Join(in, name, "sub", "b.txt"), version, false)
		check(t, os.Symlink("../../secret", filepath.Join(in, name, "sub", "out")))
	}
	writeFile(t, filepath.Join(in, "secret"), "secret", false)
	return in, deploy
}

func TestDirReplaced(t *testing.T) {
	for name, replace := range map[string]func(site, next string) error{
		"moved away": func(site, next string) error {
			return errors.Join(os.Rename(site, site+".old"), os.Rename(next, site))
		},
		"removed": func(site, next string) error {
			return errors.Join(os.RemoveAll(site), os.Rename(next, site))
		},
		"linked to": func(site, next string) error {
			return errors.Join(os.RemoveAll(site), os.Symlink(filepath.Base(next), site))
		},
		"linked to at once": func(site, next string) error {
			return errors.Join(os.Rename(site, site+".old"), os.Symlink("site.old", site),
				os.Symlink(filepath.Base(next), site+".tmp"), os.Rename(site+".tmp", site))
		},
	} {
		t.Run(name, func(t *testing.T) {
			in, deploy := deployments(t)
			site, next := filepath.Join(in, "site"), filepath.Join(in, "next")
			deploy("site", "one")
			d, err := OpenDir(site)
			check(t, err)
			defer d.Close()
			d.Browse = true
			if _, body := get(t, d, "/a.txt"); body != "one" {
				t.Fatalf("before: %q", body)
			}
			underWay, err := d.RoundTrip(target(t, "GET", d.BaseURL(), "/sub/b.txt"))
			check(t, err)
			deploy("next", "two!")
			writeFile(t, filepath.Join(next, "new.txt"), "new", false)
			check(t, replace(site, next))

			for path, want := range map[string]string{"/a.txt": "two!", "/sub/b.txt": "two!",
				"/new.txt": "new"} {
				if resp, body := get(t, d, path); body != want {
					t.Errorf("%s: %d %q, want %q", path, resp.StatusCode, body, want)
				}
			}
			if _, page := get(t, d, "/"); !strings.Contains(page, "new.txt") {
				t.Errorf("the page lists the old folder:\n%s", page)
			}
			if resp, body := get(t, d, "/sub/out"); resp.StatusCode != 404 {
				t.Errorf("a link leads out: %d %q", resp.StatusCode, body)
			}
			if body, err := io.ReadAll(underWay.Body); string(body) != "one" || err != nil {
				t.Errorf("a body that was under way: %q, %v", body, err)
			}
			check(t, underWay.Body.Close())
		})
	}
}

// TestDirMissing: a folder that isn't there says nothing of its files.
func TestDirMissing(t *testing.T) {
	in, deploy := deployments(t)
	site := filepath.Join(in, "site")
	deploy("site", "one")
	d, err := OpenDir(site)
	check(t, err)
	defer d.Close()
	check(t, os.Rename(site, site+".old"))
	for range 2 {
		if resp, err := d.RoundTrip(target(t, "GET", d.BaseURL(), "/a.txt")); !errors.Is(err,
			fs.ErrNotExist) {
			t.Errorf("%v, %v", resp, err)
		}
	}
	check(t, os.WriteFile(site, nil, 0o644))
	if resp, err := d.RoundTrip(target(t, "GET", d.BaseURL(), "/a.txt")); err == nil {
		t.Errorf("a file in its place: %d", resp.StatusCode)
	}
	check(t, os.Remove(site))
	check(t, os.Rename(site+".old", site))
	if _, body := get(t, d, "/a.txt"); body != "one" {
		t.Errorf("back again: %q", body)
	}
}

// TestDirReplacedOften: requests that run while folders come and go are answered from one of them.
func TestDirReplacedOften(t *testing.T) {
	in, deploy := deployments(t)
	site := filepath.Join(in, "site")
	for i := range 2 {
		deploy(fmt.Sprint("v", i), strings.Repeat(fmt.Sprint(i), 1000*(i+1)))
	}
	check(t, os.Symlink("v0", site))
	d, err := OpenDir(site)
	check(t, err)
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, body := get(t, d, "/sub/b.txt"); body != strings.Repeat("0", 1000) &&
					body != strings.Repeat("1", 2000) {
					t.Errorf("%.20q", body)
				}
			}
		})
	}
	for i := range 500 {
		check(t, os.Symlink(fmt.Sprint("v", i%2), site+".tmp"))
		check(t, os.Rename(site+".tmp", site))
	}
	close(stop)
	clients.Wait()
	check(t, d.Close())
	check(t, d.Close())
	if resp, err := d.RoundTrip(target(t, "GET", d.BaseURL(), "/")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v, %v", resp, err)
	}
}

// TestDirByItsPath: a Dir doesn't depend on the current directory, and goes by the path even if
// that is it.
func TestDirByItsPath(t *testing.T) {
	in, deploy := deployments(t)
	deploy("site", "one")
	t.Chdir(filepath.Join(in, "site"))
	d, err := OpenDir(".")
	check(t, err)
	defer d.Close()
	t.Chdir(in)
	check(t, os.Rename("site", "old"))
	deploy("site", "two!")
	if _, body := get(t, d, "/a.txt"); body != "two!" {
		t.Errorf("%q", body)
	}
}
