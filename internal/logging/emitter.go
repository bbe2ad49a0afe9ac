package logging

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

const (
	// pieceSize is how many bytes of lines are written at once. A write of that size to a pipe is
	// atomic (POSIX: at least 512; Linux: 4096), so that no line is cut when the process ends, or
	// mixed with another process's lines.
	pieceSize = 4096
	// filePiece is pieceSize for a regular file, where a write of any size is one.
	filePiece = 64 << 10
)

// emitter writes batches, and counts the lines that couldn't be written.
type emitter struct {
	out    io.Writer
	size   int          // of a piece
	pieces atomic.Int64 // written pieces
	failed atomic.Int64 // lines that couldn't be written

	dropped tally // lines dropped and not yet reported
	cause   error // why a write failed since drops were last reported
	torn    bool  // the last write ended within a line
}

// pieceOf returns how large the pieces are that out takes.
func pieceOf(out io.Writer) int {
	if f, ok := out.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return filePiece
		}
	}
	return pieceSize
}

// emit writes b, and reports the lines that were dropped.
func (e *emitter) emit(b *batch, dropped tally) {
	failed := e.writeAll(b)
	e.failed.Add(int64(failed.lines))
	e.dropped.add(failed)
	e.dropped.add(dropped)
	if e.dropped.lines == 0 {
		return
	}
	if _, ok := e.write(notice(e.dropped, e.cause)); ok {
		e.dropped, e.cause = tally{}, nil
	}
}

// writeAll writes b until a write fails, and counts the lines that weren't written.
func (e *emitter) writeAll(b *batch) (failed tally) {
	start := 0 // of the piece
	for i, l := range b.lines {
		if i+1 < len(b.lines) && b.lines[i+1].end-start <= e.size {
			continue
		}
		if n, ok := e.write(b.text[start:l.end]); !ok {
			return b.after(start + n)
		}
		start = l.end
	}
	return tally{}
}

// write writes whole lines, and returns how many bytes were written. If only the last newline is
// missing, the next write begins with it.
func (e *emitter) write(text []byte) (n int, ok bool) {
	if e.torn {
		if _, err := e.out.Write([]byte{'\n'}); err != nil {
			e.cause = err
			return 0, false
		}
		e.torn = false
	}
	for {
		m, err := e.out.Write(text[n:])
		n += m
		e.torn = n > 0 && text[n-1] != '\n'
		if n >= len(text)-1 {
			e.pieces.Add(1)
			return n, true
		}
		// Another process that shares the open file may have made it non-blocking.
		if !errors.Is(err, syscall.EAGAIN) {
			e.cause = err
			return n, false
		}
		time.Sleep(gatherTime)
	}
}

// notice returns the line on dropped lines. Its level is error if severe lines were dropped.
func notice(dropped tally, cause error) []byte {
	var text bytes.Buffer
	log := zerolog.New(&text).Hook(zerolog.HookFunc(stamp))
	e, reason := log.Warn(), "they came faster than they were taken"
	if dropped.severe > 0 {
		e = log.Error()
	}
	if cause != nil {
		reason = cause.Error()
	}
	e.Int("lines", dropped.lines).Int("severe", dropped.severe).Str("reason", reason)
	e.Msg("log lines dropped")
	return text.Bytes()
}

// perLine writes each line in a Write of its own.
type perLine struct{ io.Writer }

// Write writes text, which consists of whole lines.
func (p perLine) Write(text []byte) (n int, err error) {
	for line := range bytes.Lines(text) {
		if _, err := p.Writer.Write(line); err != nil {
			return n, err
		}
		n += len(line)
	}
	return n, nil
}
