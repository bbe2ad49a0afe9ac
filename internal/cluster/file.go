package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
)

const maxFile = 1 << 20 // bytes: ten thousands of nodes

// File is a list of nodes in a file, which is read again at each Reload. The file has one address
// per line, or several with commas between them. Blank lines are skipped, and so is the rest of a
// line from a # on. The file should be replaced by renaming another onto it: half a file is a
// shorter list of nodes.
//
// Any number of Watches and one Reload may go on at a time.
type File struct {
	path   string
	roster roster
}

// OpenFile reads the file at path. An error names the file and, where there is one, the line.
func OpenFile(path string) (*File, error) {
	f := &File{path: path}
	return f, f.read()
}

// Reload reads the file again. If that fails, the list stays as it was.
func (f *File) Reload() error {
	if err := f.read(); err != nil {
		return fmt.Errorf("the nodes stay as they were: %w", err)
	}
	return nil
}

// Watch calls set at once, and after each Reload that changed the list.
func (f *File) Watch(ctx context.Context, set func(nodes []string)) error {
	f.roster.watch(ctx, 0, set)
	return nil
}

// read reads the file. One that names no node is an error: most likely it is being written.
func (f *File) read() error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxFile:
		return fmt.Errorf("%s is larger than %d bytes: a list of nodes has one %s per line",
			f.path, maxFile, wantAddr)
	}
	var nodes []string
	for i, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		more, err := splitList(line)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", f.path, i+1, err)
		}
		nodes = append(nodes, more...)
	}
	if len(nodes) == 0 {
		return fmt.Errorf("%s names no node: write one %s per line", f.path, wantAddr)
	}
	f.roster.set(nodes)
	return nil
}
