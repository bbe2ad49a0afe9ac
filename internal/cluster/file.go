package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

const maxFile = 1 << 20 // bytes: ten thousands of nodes

// File is the nodes that a file lists, read again at each Reload. The file has one address per
// line, or several with commas between them; blank lines are skipped, and so is all from a # on. It
// should be replaced by renaming another onto it: half a file is a shorter list of nodes.
//
// Its methods may be called concurrently.
type File struct {
	// Problem, if not nil, is called with the cause if a Reload leaves the list as it was. It must
	// be set before the first Reload.
	Problem func(error)

	path string
	// reload is held by Reload: of two, the later one's list must not be overwritten by the
	// earlier one's.
	reload sync.Mutex

	mu      sync.Mutex
	nodes   []string
	changed bell
}

// OpenFile reads the file at path. An error names the file and, where there is one, the line.
func OpenFile(path string) (*File, error) {
	nodes, err := readNodes(path)
	if err != nil {
		return nil, err
	}
	return &File{path: path, nodes: nodes}, nil
}

// Reload reads the file again. If that fails, the list stays as it was, and Problem is called.
func (f *File) Reload() {
	f.reload.Lock()
	defer f.reload.Unlock()
	nodes, err := readNodes(f.path)
	if err != nil {
		if f.Problem != nil {
			f.Problem(fmt.Errorf("the nodes stay as they were: %w", err))
		}
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes = nodes
	f.changed.ringLocked()
}

// Watch calls set at once, and after each Reload that changed the list.
func (f *File) Watch(ctx context.Context, set func(nodes []string)) error {
	t := notifier{set: set}
	for {
		nodes, changed := f.list()
		t.notify(nodes)
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (f *File) list() ([]string, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nodes, f.changed.waitLocked()
}

// readNodes reads the file at path. One that names no node is an error: more likely it is being
// written.
func readNodes(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the list of nodes: %w", err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the list of nodes: %w", err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes: a list of nodes has one %s per line",
			path, maxFile, wantAddr)
	}
	return parseLines(path, string(b))
}

func parseLines(path, text string) ([]string, error) {
	var nodes []string
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		more, err := splitList(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		nodes = append(nodes, more...)
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("%s names no node: write one %s per line", path, wantAddr)
	}
	return nodes, nil
}
