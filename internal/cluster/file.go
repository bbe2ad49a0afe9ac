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

// File is a list of nodes in a file, which is read again at each Reload. The file has one address
// per line, or several with commas between them. Blank lines are skipped, and so is the rest of a
// line from a # on. The file should be replaced by renaming another onto it: half a file is a
// shorter list of nodes.
//
// Its methods may be called concurrently.
type File struct {
	path string

	mu      sync.Mutex // held while the file is read, so that the last list to be read stays
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

// Reload reads the file again. If that fails, the list stays as it was.
func (f *File) Reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	nodes, err := readNodes(f.path)
	if err != nil {
		return fmt.Errorf("the nodes stay as they were: %w", err)
	}
	f.nodes = nodes
	f.changed.ringLocked()
	return nil
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

// readNodes reads the file at path. A file that names no node is an error: most likely it is being
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
