package warm

import (
	"bufio"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"strings"
)

// Journal is a file of the URLs that have been fetched, one in a line, so that a run which was
// interrupted can go on. A nil Journal has none, and notes nothing. It is used by one Run.
type Journal struct {
	file *os.File
	done map[uint64]struct{}
	err  error // of the first write that failed
}

// mostLine bounds a line with a URL, in bytes. No cache takes a URL that is as long.
const mostLine = 64 << 10

var seed = maphash.MakeSeed()

// hash stands for a URL: two of a million are taken for one with a chance of 1 in 30 million.
func hash(u string) uint64 { return maphash.String(seed, u) }

// OpenJournal reads the file at path, and opens it to note more. There may be none. Of a line that
// was cut, the URL counts as not fetched.
func OpenJournal(path string) (*Journal, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	whole := text[:strings.LastIndexByte(string(text), '\n')+1]
	j := &Journal{done: map[uint64]struct{}{}}
	lines := bufio.NewScanner(strings.NewReader(string(whole)))
	lines.Buffer(nil, mostLine)
	for lines.Scan() {
		j.done[hash(lines.Text())] = struct{}{}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if j.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
		return nil, err
	}
	err = j.file.Truncate(int64(len(whole)))
	if _, seekErr := j.file.Seek(int64(len(whole)), 0); err == nil {
		err = seekErr
	}
	if err != nil {
		j.file.Close()
		return nil, err
	}
	return j, nil
}

func (j *Journal) has(u string) bool {
	if j == nil {
		return false
	}
	_, ok := j.done[hash(u)]
	return ok
}

// note notes that u has been fetched. The next run then skips it.
func (j *Journal) note(u string) {
	if j == nil {
		return
	}
	if _, err := j.file.WriteString(u + "\n"); j.err == nil {
		j.err = err
	}
}

// Close closes the file. If all is done, there is nothing to go on with, so that it is removed. The
// error may be one of noting.
func (j *Journal) Close(allDone bool) error {
	if j == nil {
		return nil
	}
	err := errors.Join(j.err, j.file.Close())
	if allDone {
		err = errors.Join(err, os.Remove(j.file.Name()))
	}
	return err
}
