package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watched is a folder and what has been told of it.
type watched struct {
	*Watch
	t   *testing.T
	dir string

	mu   sync.Mutex
	seen Changes
	more chan struct{} // closed and replaced at each call
}

func watching(t *testing.T, cfg Config, files ...string) *watched {
	t.Helper()
	s := &watched{t: t, dir: t.TempDir(), more: make(chan struct{})}
	for _, f := range files {
		s.write(f)
	}
	cfg.Folder, cfg.Log = s.dir, zerolog.Nop()
	cfg.Changed = func(c Changes) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen.Paths = append(s.seen.Paths, c.Paths...)
		s.seen.Trees = append(s.seen.Trees, c.Trees...)
		close(s.more)
		s.more = make(chan struct{})
	}
	var err error
	if s.Watch, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	<-s.Ready()
	return s
}

func (s *watched) at(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// write writes a file, and makes its folder.
func (s *watched) write(name string) {
	s.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(s.at(name)), 0o700), os.WriteFile(s.at(name),
		[]byte(name), 0o600)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *watched) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *watched) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = Changes{}
}

// until waits until what has been told of is enough.
func (s *watched) until(enough func(Changes) bool) {
	s.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		seen, more := s.seen, s.more
		s.mu.Unlock()
		if enough(seen) {
			return
		}
		select {
		case <-more:
		case <-deadline:
			s.t.Fatalf("told of %v", seen)
		}
	}
}

func (s *watched) path(name string) {
	s.t.Helper()
	s.until(func(c Changes) bool { return slices.Contains(c.Paths, name) })
}

func (s *watched) tree(name string) {
	s.t.Helper()
	s.until(func(c Changes) bool { return slices.Contains(c.Trees, name) })
}

// only holds all that has been told of, until the file end is changed, against paths.
func (s *watched) only(paths ...string) {
	s.t.Helper()
	s.write("end")
	s.path("end")
	s.mu.Lock()
	defer s.mu.Unlock()
	got := slices.Compact(slices.Sorted(slices.Values(s.seen.Paths)))
	if want := slices.Sorted(slices.Values(append(paths, "end"))); !slices.Equal(got, want) ||
		len(s.seen.Trees) > 0 {
		s.t.Errorf("told of %v and trees %v, want %v", got, s.seen.Trees, want)
	}
}

// TestFiles: a file that is made, written, renamed, touched or removed is told by its name.
func TestFiles(t *testing.T) {
	s := watching(t, Config{}, "a", "b/c", "b/d/e")
	for _, name := range []string{"a", "b/c", "b/d/e", "b/new"} {
		s.write(name)
		s.path(name)
	}
	s.forget()
	s.check(os.Rename(s.at("b/new"), s.at("a"))) // as editors do
	s.check(os.Chtimes(s.at("b/c"), time.Now(), time.Now()))
	s.check(os.Remove(s.at("b/d/e")))
	s.only("a", "b/new", "b/c", "b/d/e")
}

// TestFolders: a folder that comes or goes is told as a tree, and what is in it is watched.
func TestFolders(t *testing.T) {
	s := watching(t, Config{}, "old/a/b")
	s.write("new/a/b/c/d") // most of it before the system watches it
	s.tree("new")
	s.write("new/a/b/c/d")
	s.path("new/a/b/c/d")
	s.check(os.Rename(s.at("new/a"), s.at("old/moved")))
	s.tree("new/a")
	s.tree("old/moved")
	s.write("old/moved/b/c/d")
	s.path("old/moved/b/c/d")
	s.check(os.RemoveAll(s.at("old")))
	s.tree("old")
	s.forget()
	s.write("old/a/b")
	s.tree("old")
	s.write("old/a/b")
	s.path("old/a/b")
}

// TestHidden: names that begin with a dot are left out, unless they are wanted. But a hidden link
// may be what other names lead through.
func TestHidden(t *testing.T) {
	s := watching(t, Config{}, "b/.git/a", "..1/f")
	for _, name := range []string{".a", "b/.git/a", "b/.new/c", "..1/f"} {
		s.write(name)
	}
	s.only()
	s.check(os.Symlink("..1", s.at("..tmp")))
	s.check(os.Rename(s.at("..tmp"), s.at("..data")))
	s.tree(".")

	s = watching(t, Config{Dotfiles: true}, "b/.git/a")
	s.write("b/.git/a")
	s.path("b/.git/a")
}

// TestMany: of many changes at once, and when the system has lost some, the whole folder is told,
// and what was made meanwhile is watched.
func TestMany(t *testing.T) {
	s := watching(t, Config{})
	for i := range maxPaths + 1 {
		s.note(fmt.Sprint("f", i), false)
	}
	s.tree(".")
	s.forget()
	s.system.Errors <- fsnotify.ErrEventOverflow
	s.tree(".")
}

func TestNoFolder(t *testing.T) {
	if _, err := Open(Config{Folder: filepath.Join(t.TempDir(), "none")}); !errors.Is(err,
		os.ErrNotExist) {
		t.Error(err)
	}
}
