//go:build unix

package logging

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// lines are those of the file at path, without what is told of dropped ones.
func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, _, others := told(t, string(text))
	return others
}

func openTestFile(t *testing.T, path string) *File {
	t.Helper()
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestFileRotates: lines that are written while a file is renamed and opened again are in one file
// or the other, each of them once, whole and in their order.
func TestFileRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("kept\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := openTestFile(t, path)
	var writing sync.WaitGroup
	const most, rotations = 2000, 20
	rotate := make(chan int)
	writing.Go(func() {
		defer close(rotate)
		for i := range most {
			if _, err := fmt.Fprintf(f, "line %d\n", i); err != nil {
				t.Error(err)
				return
			}
			if i%(most/rotations) == 0 {
				rotate <- i
			}
		}
	})
	var paths []string
	for i := range rotate {
		paths = append(paths, fmt.Sprint(path, i))
		if err := errors.Join(os.Rename(path, paths[len(paths)-1]), f.Reopen()); err != nil {
			t.Error(err)
		}
	}
	writing.Wait()
	var got []string
	for _, path := range append(paths, path) {
		got = append(got, lines(t, path)...)
	}
	if len(got) != most+1 || got[0] != "kept" {
		t.Fatalf("%d lines, the first %q", len(got), got[0])
	}
	for i, line := range got[1:] {
		if line != fmt.Sprint("line ", i) {
			t.Fatalf("line %d is %q", i, line)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fileMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestFileStaysOpen: a file that can't be opened again is written to as before.
func TestFileStaysOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, moved := openTestFile(t, filepath.Join(dir, "log")), dir+"-moved"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if err := f.Reopen(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened again: %v", err)
	}
	if _, err := f.Write([]byte("line\n")); err != nil {
		t.Error(err)
	}
	if got := lines(t, filepath.Join(moved, "log")); len(got) != 1 {
		t.Errorf("the file has %q", got)
	}
}

// TestFullDisk: what a full disk doesn't take is counted, and is told once there is room again.
func TestFullDisk(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("there is no device that is always full")
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := os.Symlink(full, path); err != nil {
		t.Fatal(err)
	}
	f := openTestFile(t, path)
	q := NewQueue(f)
	const most = 100
	for i := range most {
		fmt.Fprintln(q, i)
	}
	for q.Dropped() < most { // the queue writes within a tenth of a second
		q.Write([]byte("one more\n"))
	}
	if err := errors.Join(os.Remove(path), f.Reopen()); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(q, "last")
	if err := q.Close(stallTime); err != nil {
		t.Error(err)
	}
	text, _ := os.ReadFile(path)
	dropped, severe, others := told(t, string(text))
	if int64(dropped) != q.Dropped() || severe != dropped || others[len(others)-1] != "last" {
		t.Errorf("%d lines are told to be dropped, %d counted: %s", dropped, q.Dropped(), text)
	}
	if !strings.Contains(string(text), syscall.ENOSPC.Error()) {
		t.Errorf("the reason isn't told: %s", text)
	}
}

// TestFileIsPipe: a write to a pipe that is full goes on in the file that is opened next, and a
// pipe without a reader isn't opened.
func TestFileIsPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(path); !errors.Is(err, syscall.ENXIO) {
		t.Errorf("a pipe without a reader: %v", err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	f := openTestFile(t, path)
	const most = 2000
	var writing sync.WaitGroup
	writing.Go(func() {
		for range most {
			if _, err := f.Write([]byte(strings.Repeat("x", 1023) + "\n")); err != nil {
				t.Error(err)
				return
			}
		}
	})
	scanner := bufio.NewScanner(reader)
	scanner.Scan() // now there is something in it
	next := path + ".next"
	if err := errors.Join(os.WriteFile(next, nil, 0o600), os.Rename(next, path),
		f.Reopen()); err != nil {
		t.Fatal(err)
	}
	writing.Wait()
	inPipe := 1
	for scanner.Scan() {
		inPipe++
	}
	if got := len(lines(t, path)); got == 0 || got+inPipe != most {
		t.Errorf("%d lines in the pipe, %d in the file", inPipe, got)
	}
}
