// Package logging sets up zerolog and writes the access log.
package logging

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
)

// timeLayout is RFC 3339 with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// New returns a logger to w. Its format is "json", one object a line; "console", for human readers; or "auto", which
// is console if w is a terminal and else JSON. It logs what is at least as severe as level: "trace", "debug", "info",
// "warn" or "error". The field "time" is the time in UTC with milliseconds; on a console, the local time. The logger
// writes each event at once in one Write, and is as safe for concurrent use as w.
func New(w io.Writer, format, level string) (zerolog.Logger, error) {
	severity, err := zerolog.ParseLevel(level)
	if err != nil || level == "" {
		return zerolog.Logger{}, fmt.Errorf("log level %q: it is one of trace, debug, info, warn and error", level)
	}
	switch format {
	case "json":
	case "console":
		w = console(w)
	case "auto":
		if isTerminal(w) {
			w = console(w)
		}
	default:
		return zerolog.Logger{}, fmt.Errorf("log format %q: it is one of auto, json and console", format)
	}
	return zerolog.New(w).Level(severity).Hook(zerolog.HookFunc(stamp)), nil
}

// stamp adds the time. zerolog's own timestamp has its layout in a global variable, which isn't ours to set.
func stamp(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, time.Now().UTC().Format(timeLayout))
}

func console(w io.Writer) io.Writer {
	return zerolog.ConsoleWriter{Out: w, TimeFormat: "15:04:05.000", NoColor: !isTerminal(w) || os.Getenv("NO_COLOR") != ""}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && isatty.IsTerminal(f.Fd())
}

// Std returns a logger for http.Server.ErrorLog: what is printed to it becomes a warning of l, the first line as
// the message, and what follows, such as the stack of a panic, as the field "detail".
func Std(l zerolog.Logger) *log.Logger {
	return log.New(warnings{l}, "", 0)
}

type warnings struct{ log zerolog.Logger }

// Write logs one print, which is what log.Logger hands to each Write.
func (w warnings) Write(p []byte) (int, error) {
	message, detail, _ := bytes.Cut(bytes.TrimSpace(p), []byte("\n"))
	event := w.log.Warn()
	if len(detail) > 0 {
		event = event.Bytes("detail", detail)
	}
	event.Msg(string(message))
	return len(p), nil
}
