package cluster

import (
	"log/slog"
	"strings"
	"sync"
)

// outlet calls the hooks of a GossipConfig until it is shut: some of memberlist's timers go off
// after its Shutdown.
type outlet struct {
	log     func(level slog.Level, line string)
	problem func(error)

	mu     sync.RWMutex // held for reading while a hook is called
	closed bool
}

func (o *outlet) notify(err error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if !o.closed && o.problem != nil {
		o.problem(err)
	}
}

// Write takes one line from memberlist's logger.
func (o *outlet) Write(b []byte) (int, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if !o.closed && o.log != nil {
		o.log(parseLine(string(b)))
	}
	return len(b), nil
}

func (o *outlet) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// The words that memberlist begins its lines with.
var levels = map[string]slog.Level{
	"[DEBUG]": slog.LevelDebug,
	"[INFO]":  slog.LevelInfo,
	"[WARN]":  slog.LevelWarn,
	"[ERR]":   slog.LevelError,
	"[ERROR]": slog.LevelError,
	"Err:":    slog.LevelError,
}

// parseLine takes the level off a line. One without is a warning.
func parseLine(line string) (slog.Level, string) {
	line = strings.TrimSpace(line)
	word, rest, _ := strings.Cut(line, " ")
	level, ok := levels[word]
	if !ok {
		return slog.LevelWarn, line
	}
	return level, strings.TrimPrefix(rest, "memberlist: ")
}
