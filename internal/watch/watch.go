// Package watch notices changes below a folder, as the system reports them.
//
// A folder goes in. What has changed comes out, gathered for a moment, as paths and as trees of
// which anything may have changed:
//
//	system ─► events ─► pending ─► Config.Changed
//
// Whatever can't be watched, such as a file system of the network, what is behind a symbolic link,
// or more folders than the system watches, changes without notice.
package watch

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/rs/zerolog"
)

// Config says what is watched. Folder and Changed must be set.
type Config struct {
	Folder string

	// Dotfiles watches what has a name that begins with a dot, too.
	Dotfiles bool

	// Changed is called with what has changed, one call after the other.
	Changed func(Changes)

	Log zerolog.Logger
}

const (
	// gatherTime is how long changes gather: a file is often written in several steps.
	gatherTime = 10 * time.Millisecond
	// maxPaths is how many paths are told one by one: what is done about each takes room on all
	// nodes. If there are more, the whole folder is told.
	maxPaths = 100
)

// Watch watches a folder until it is closed.
type Watch struct {
	cfg     Config
	system  *fsnotify.Watcher
	folders map[string]bool // that are watched, by their paths below Folder; only for one goroutine
	work    sync.WaitGroup

	mu      sync.Mutex // guards pending
	pending pending
	due     chan struct{} // holds one when something is pending
	ready   chan struct{} // closed when all folders are watched
	closed  chan struct{}
}

// Open begins to watch. Until all folders are watched, which Ready tells, changes may go unnoticed.
// The caller closes the Watch.
func Open(cfg Config) (*Watch, error) {
	system, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := system.Add(cfg.Folder); err != nil {
		return nil, errors.Join(err, system.Close())
	}
	w := &Watch{
		cfg: cfg, system: system, folders: map[string]bool{},
		due: make(chan struct{}, 1), ready: make(chan struct{}), closed: make(chan struct{}),
	}
	w.work.Go(w.follow)
	w.work.Go(w.tell)
	return w, nil
}

// Ready returns a channel that is closed when all folders are watched that can be.
func (w *Watch) Ready() <-chan struct{} { return w.ready }

// Close ends the watching. Changed isn't called any more once Close has returned.
func (w *Watch) Close() error {
	err := w.system.Close()
	close(w.closed)
	w.work.Wait()
	return err
}

// follow takes what the system reports.
func (w *Watch) follow() {
	w.add(".")
	close(w.ready)
	for {
		select {
		case e, ok := <-w.system.Events:
			if !ok {
				return
			}
			w.event(e)
		case err, ok := <-w.system.Errors:
			if !ok {
				return
			}
			w.failed(err)
		}
	}
}

// failed handles an error of the system. If events are lost, new folders may be among them.
func (w *Watch) failed(err error) {
	if !errors.Is(err, fsnotify.ErrEventOverflow) {
		w.cfg.Log.Warn().Err(err).Msg("watching the folder has a problem")
	}
	w.addTree(".")
}

func (w *Watch) event(e fsnotify.Event) {
	rel, err := filepath.Rel(w.cfg.Folder, e.Name)
	if err != nil {
		return
	}
	name := filepath.ToSlash(rel)
	info, err := os.Lstat(e.Name)
	switch isLink := err == nil && info.Mode().Type() == fs.ModeSymlink; {
	// A hidden link may be what others lead through: Kubernetes replaces a volume's files so.
	case w.hidden(name) && isLink:
		w.note(path.Dir(name), true)
	case w.hidden(name):
	case w.folders[name] && e.Has(fsnotify.Remove|fsnotify.Rename):
		w.removeTree(name)
	case err == nil && info.IsDir() && e.Has(fsnotify.Create):
		w.addTree(name)
	default:
		w.note(name, false)
	}
}

// hidden reports whether name is left out.
func (w *Watch) hidden(name string) bool {
	if w.cfg.Dotfiles || name == "." {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

// addTree watches the folder of that name and all below, and then notes that anything below it may
// have changed.
func (w *Watch) addTree(name string) {
	w.add(name)
	w.note(name, true)
}

// add watches the folder of that name and all below.
func (w *Watch) add(name string) {
	root := filepath.Join(w.cfg.Folder, filepath.FromSlash(name))
	var failed error
	_ = filepath.WalkDir(root, func(at string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return nil // what can't be read isn't served
		}
		rel, err := filepath.Rel(w.cfg.Folder, at)
		if err != nil || w.hidden(filepath.ToSlash(rel)) {
			return filepath.SkipDir
		}
		if err := w.system.Add(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = err
			return filepath.SkipAll
		}
		w.folders[filepath.ToSlash(rel)] = true
		return nil
	})
	if failed != nil && !errors.Is(failed, fsnotify.ErrClosed) {
		w.cfg.Log.Warn().Err(failed).Str("folder", root).Msg("not every folder can be watched: " +
			"changes in the others show when what is stored isn't fresh any more")
	}
}

// removeTree forgets the folder of that name and all below.
func (w *Watch) removeTree(name string) {
	for folder := range w.folders {
		if folder == name || strings.HasPrefix(folder, name+"/") {
			delete(w.folders, folder)
			// It may be elsewhere now, where it is watched by its new name, or not at all.
			_ = w.system.Remove(filepath.Join(w.cfg.Folder, filepath.FromSlash(folder)))
		}
	}
	w.note(name, true)
}
