package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers")
	write(t, path, "# the nodes\n\n b:2 # the second\r\na:1, b:2,\n  \n[::1]:3")
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reload := func() {
		t.Helper()
		if err := f.Reload(); err != nil {
			t.Error(err)
		}
	}
	w, other := watch(t, f), watch(t, f)
	w.want("[::1]:3", "a:1", "b:2")
	other.want("[::1]:3", "a:1", "b:2")

	reload() // nothing has changed, nothing is told
	write(t, path, "a:1\n")
	reload()
	w.want("a:1")
	other.want("a:1")

	write(t, path, "a:1\nb:2\nhttp://c:3\n")
	wantError(t, f.Reload(), path+":3: ", "leave out http://", "HOST:PORT", "stay as they were")
	write(t, path, "# all gone\n")
	wantError(t, f.Reload(), path, "names no node")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantError(t, f.Reload(), path, "no such file")

	late := watch(t, f)
	late.want("a:1")
	write(t, path, "c:3")
	reload()
	for _, w := range []*watcher{w, other, late} {
		w.want("c:3")
		w.end()
	}
}

func TestOpenFileErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "peers")
	for text, parts := range map[string][]string{
		"":                                       {path, "names no node", "HOST:PORT"},
		"#a:1":                                   {path, "names no node"},
		"\n\na:1,b\n":                            {path + ":3: ", `"b"`, "no port"},
		"a:1\nb:0":                               {path + ":2: ", "1 to 65535"},
		"\x00\x01":                               {path + ":1: "},
		"a:1 b:2":                                {path + ":1: "},
		"\xef\xbb\xbfa:1\n":                      {path + ":1: "},
		strings.Repeat("a:1\n", maxFile/4) + "a": {path, "larger than"},
	} {
		write(t, path, text)
		_, err := OpenFile(path)
		wantError(t, err, parts...)
	}
	_, err := OpenFile(filepath.Join(dir, "none"))
	wantError(t, err, "none", "no such file")
	_, err = OpenFile(dir)
	wantError(t, err, dir)
}

func TestLargestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers")
	write(t, path, strings.Repeat("a:1\n", maxFile/4))
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, f)
	w.want("a:1")
	w.end()
}
