// Package logging is the log of a server: zerolog's set-up, the access log, and the queue in which
// lines wait to be written. Events flow in from all that log. Whole lines flow out to one writer,
// in a goroutine that the queue owns.
package logging

import (
	"bytes"
	"io"
	"log"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
)

// New returns a logger to w and the queue between them, which the caller closes. The format is
// "console", for human readers; or "auto", which is console if w is a terminal; else the log is
// JSON, one object a line. It logs what is at least as severe as level. The field "time" is the
// time in UTC with milliseconds; on a console, the local time. The logger is safe for concurrent
// use.
func New(w io.Writer, format string, level zerolog.Level) (zerolog.Logger, *Queue) {
	if format == "console" || format == "auto" && isTerminal(w) {
		w = perLine{console(w)}
	}
	q := NewQueue(w)
	return zerolog.New(q).Level(level).Hook(zerolog.HookFunc(stamp)), q
}

// stamp adds the time. The layout of zerolog's own timestamp is a global variable, which would
// change the logs of other packages.
func stamp(e *zerolog.Event, _ zerolog.Level, _ string) {
	var room [32]byte
	e.Bytes(zerolog.TimestampFieldName, appendTime(room[:0], time.Now()))
}

func console(w io.Writer) io.Writer {
	return zerolog.ConsoleWriter{Out: w, TimeFormat: "15:04:05.000", NoColor: !isTerminal(w)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && isatty.IsTerminal(f.Fd())
}

// Std returns a logger for http.Server.ErrorLog. Each print becomes a warning of l: the first line
// is the message, and the rest, such as the stack of a panic, is the field "detail".
func Std(l zerolog.Logger) *log.Logger {
	return log.New(warnings{l}, "", 0)
}

type warnings struct{ log zerolog.Logger }

// Write logs one print of a log.Logger.
func (w warnings) Write(p []byte) (int, error) {
	message, detail, _ := bytes.Cut(bytes.TrimSpace(p), []byte("\n"))
	event := w.log.Warn()
	if len(detail) > 0 {
		event = event.Bytes("detail", detail)
	}
	event.Msg(string(message))
	return len(p), nil
}
