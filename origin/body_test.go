package origin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

func TestBodyIsAReader(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 4095, 4096, 4097, 1<<20 + 3} {
		content := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		d, _ := newSite(t, map[string]string{"f": string(content)})
		req := target(t, "GET", d.BaseURL(), "/f")
		want := content
		if size > 3 {
			req.Header.Set("Range", fmt.Sprintf("bytes=1-%d", size-2))
			want = content[1 : size-1]
		}
		resp, err := d.RoundTrip(req)
		check(t, err)
		if size > 1<<20 { // TestReader reads byte by byte
			got, err := io.ReadAll(resp.Body)
			if !bytes.Equal(got, want) || err != nil {
				t.Errorf("%d bytes: got %d, %v", size, len(got), err)
			}
		} else if err := iotest.TestReader(resp.Body, want); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		check(t, resp.Body.Close())
		check(t, resp.Body.Close())
	}
}

// openBody returns the body of a new file of size bytes "a" after its first Read of 1000 bytes, and
// the file's path.
func openBody(t *testing.T, size int) (*http.Response, string) {
	t.Helper()
	d, root := newSite(t, map[string]string{"f": strings.Repeat("a", size)})
	resp, err := d.RoundTrip(target(t, "GET", d.BaseURL(), "/f"))
	check(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	if n, err := resp.Body.Read(make([]byte, 1000)); n != 1000 || err != nil {
		t.Fatalf("first Read: %d, %v", n, err)
	}
	return resp, filepath.Join(root, "f")
}

func overwrite(path string, content string, at int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(content), at)
	return errors.Join(err, f.Close())
}

func TestBodyOfChangedFile(t *testing.T) {
	const size = 3000
	b := strings.Repeat("b", size)
	for name, change := range map[string]func(path string) error{
		"overwritten": func(path string) error { return overwrite(path, b, 0) },
		"overwritten at the end": func(path string) error {
			return overwrite(path, "b",
				size-1)
		},
		"overwritten behind us": func(path string) error { return overwrite(path, "b", 0) },
		"appended to": func(path string) error {
			return overwrite(path, "b",
				size)
		},
		"truncated to nothing": func(path string) error { return os.Truncate(path, 0) },
		"truncated before us":  func(path string) error { return os.Truncate(path, 10) },
		"truncated after us":   func(path string) error { return os.Truncate(path, size-1) },
		"truncated and grown": func(path string) error {
			return os.WriteFile(path,
				[]byte(b), 0o644)
		},
		"touched": func(path string) error {
			return os.Chtimes(path, longAgo,
				longAgo.Add(1))
		},
		"overwritten, with its mtime": func(path string) error {
			return errors.Join(overwrite(path,
				b, 0), os.Chtimes(path, longAgo, longAgo))
		},
	} {
		resp, path := openBody(t, size)
		check(t, change(path))
		for range 2 { // an error stays
			if n, err := resp.Body.Read(make([]byte, 100)); n != 0 || !errors.Is(err, ErrChanged) {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		}
	}
}

func TestBodyOfReplacedFile(t *testing.T) {
	const size = 3000
	for name, change := range map[string]func(path string) error{
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+".new", []byte("b"), 0o644), os.Rename(path+".new",
				path))
		},
		"removed":     os.Remove,
		"hard-linked": func(path string) error { return os.Link(path, path+".link") },
	} {
		resp, path := openBody(t, size)
		check(t, change(path))
		if got, err := io.ReadAll(resp.Body); string(got) != strings.Repeat("a", size-1000) ||
			err != nil {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	// A replaced file may still be open for writing.
	resp, path := openBody(t, size)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	check(t, err)
	defer f.Close()
	check(t, os.Remove(path))
	if n, err := resp.Body.Read(make([]byte, 100)); n != 100 || err != nil {
		t.Errorf("removed: %d, %v", n, err)
	}
	_, err = f.WriteAt([]byte("b"), 2000)
	check(t, err)
	if n, err := resp.Body.Read(make([]byte, 100)); n != 0 || !errors.Is(err, ErrChanged) {
		t.Errorf("removed, then written to: %d, %v", n, err)
	}
}

// TestBodyOfFreshFile writes to files that were written to a moment before, within one tick of the
// kernel's clock.
func TestBodyOfFreshFile(t *testing.T) {
	d, root := newSite(t, map[string]string{"f": strings.Repeat("a", 3000)})
	path := filepath.Join(root, "f")
	for range 20 {
		check(t, overwrite(path, strings.Repeat("a", 3000), 0))
		resp, err := d.RoundTrip(target(t, "GET", d.BaseURL(), "/f"))
		check(t, err)
		body := resp.Body.(*fileBody)
		body.file = &hookedFile{File: body.file.(*os.File), onStat: func(int) error { return nil },
			onRead: func(int) error {
				if age := time.Since(body.seen.changed()); age < tick {
					return fmt.Errorf("read %v after the last write", age)
				}
				return nil
			}}
		n, err := body.Read(make([]byte, 1000))
		check(t, err)
		check(t, overwrite(path, strings.Repeat("b", 3000), 0))
		rest, err := io.ReadAll(resp.Body)
		if !errors.Is(err, ErrChanged) || len(rest) != 0 {
			t.Fatalf("after %d bytes of the old file, %d of the new: %v", n, len(rest), err)
		}
		resp.Body.Close()
	}
}

func TestBodyContext(t *testing.T) {
	// with a file that changed just now, the first Read waits
	for _, before := range []int{0, 1000} {
		d, _ := newSite(t, map[string]string{"f": strings.Repeat("a", 3000)})
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := d.RoundTrip(target(t, "GET", d.BaseURL(), "/f").WithContext(ctx))
		check(t, err)
		_, err = io.ReadFull(resp.Body, make([]byte, before))
		check(t, err)
		cancel()
		if n, err := resp.Body.Read(make([]byte, 100)); n != 0 ||
			!errors.Is(err, context.Canceled) {
			t.Errorf("after %d bytes: %d, %v", before, n, err)
		}
		resp.Body.Close()
		if n, err := resp.Body.Read(make([]byte, 100)); n != 0 || err == nil {
			t.Errorf("after Close: %d, %v", n, err)
		}
	}
}

// hookedFile calls a hook before each ReadAt and Stat, whose error the call returns.
type hookedFile struct {
	*os.File
	onRead, onStat func(call int) error
	reads, stats   int
}

func (f *hookedFile) ReadAt(p []byte, off int64) (int, error) {
	f.reads++
	if err := f.onRead(f.reads); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *hookedFile) Stat() (fs.FileInfo, error) {
	f.stats++
	if err := f.onStat(f.stats); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

func TestBodyCalls(t *testing.T) {
	const size = 3 << 20
	ok := func(int) error { return nil }
	failSecond := func(call int) error {
		if call == 2 {
			return syscall.EIO
		}
		return nil
	}
	var path string
	changeSecond := func(call int) error {
		if call == 2 {
			return overwrite(path, strings.Repeat("b", 2<<20), 1<<20)
		}
		return nil
	}
	for _, test := range []struct {
		name           string
		onRead, onStat func(int) error
		n              int
		want           error
	}{
		{"nothing happens", ok, ok, size, nil},
		{"a read fails", failSecond, ok, 1 << 20, syscall.EIO},
		{"a stat fails", ok, failSecond, 1 << 20, syscall.EIO},
		{"the file changes before a read", changeSecond, ok, 1 << 20, ErrChanged},
		{"the file changes after a read", ok, changeSecond, 1 << 20, ErrChanged},
	} {
		d, root := newSite(t, map[string]string{"f": strings.Repeat("a", size)})
		path = filepath.Join(root, "f")
		resp, err := d.RoundTrip(target(t, "GET", d.BaseURL(), "/f"))
		check(t, err)
		body := resp.Body.(*fileBody)
		f := &hookedFile{File: body.file.(*os.File), onRead: test.onRead, onStat: test.onStat}
		body.file = f
		var got bytes.Buffer
		_, err = io.CopyBuffer(struct{ io.Writer }{&got}, body, make([]byte, 1<<20))
		if !errors.Is(err, test.want) || got.String() != strings.Repeat("a", test.n) {
			t.Errorf("%s: %d bytes, %v", test.name, got.Len(), err)
		}
		if _, again := body.Read(make([]byte, 1)); err != nil && again != err {
			t.Errorf("%s: then %v", test.name, again)
		}
		if test.want == nil && (f.reads != 3 || f.stats != 3) {
			t.Errorf("%s: %d reads and %d stats of 3 MiB", test.name, f.reads, f.stats)
		}
		check(t, body.Close())
	}
}
