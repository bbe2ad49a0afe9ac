package logging

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// pieceSize is how many bytes of lines are written at once. A pipe takes as many in one go or not
// at all (POSIX: at least 512; Linux: 4096), so that no line is cut where the process ends, or
// mixed with another process's.
const pieceSize = 4096

// emitter writes batches, and keeps count of the lines that couldn't be written.
type emitter struct {
	out    io.Writer
	pieces atomic.Int64 // that have been written

	dropped tally // lines that were dropped and not reported
	cause   error // why a write failed since drops were last reported
	torn    bool  // what was written last ends within a line
}

// emit writes b and reports what was dropped after it. If the drops before b can't be reported, b
// isn't written either.
func (e *emitter) emit(b *batch, dropped tally) {
	failed := b.after(0)
	if e.reportDrops() {
		failed = e.writeAll(b)
	}
	e.dropped.add(failed)
	e.dropped.add(dropped)
	e.reportDrops()
}

// writeAll writes b until a write fails, and returns the lines that didn't get through.
func (e *emitter) writeAll(b *batch) (failed tally) {
	start := 0 // of the piece
	for i, l := range b.lines {
		if i+1 < len(b.lines) && b.lines[i+1].end-start <= pieceSize {
			continue
		}
		if n, ok := e.write(b.text[start:l.end]); !ok {
			return b.after(start + n)
		}
		start = l.end
	}
	return tally{}
}

// write writes whole lines, and returns how many bytes of them have gone out. A newline that is
// missing is written next time.
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
		// Another process that has the same open file may have made it one that doesn't wait.
		if !errors.Is(err, syscall.EAGAIN) {
			e.cause = err
			return n, false
		}
		time.Sleep(gatherTime)
	}
}

// reportDrops writes a line on what was dropped, if anything was. It returns whether no drops
// are left to report.
func (e *emitter) reportDrops() bool {
	if e.dropped.lines == 0 {
		return true
	}
	if _, ok := e.write(notice(e.dropped, e.cause)); !ok {
		return false
	}
	e.dropped, e.cause = tally{}, nil
	return true
}

// notice is the line on what was dropped, which is an error if errors or warnings were.
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

// perLine writes each line by itself, to a writer that wants them so.
type perLine struct{ io.Writer }

// Write writes text, which is whole lines.
func (p perLine) Write(text []byte) (n int, err error) {
	for line := range bytes.Lines(text) {
		if _, err := p.Writer.Write(line); err != nil {
			return n, err
		}
		n += len(line)
	}
	return n, nil
}
