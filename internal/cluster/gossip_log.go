package cluster

import (
	"log/slog"
	"strings"
	"sync"
)

// outlet calls the hooks of a GossipConfig, if they aren't nil, until it is shut: some of
// memberlist's timers fire after its Shutdown.
type outlet struct {
	mu      sync.RWMutex // held for reading while a hook is called
	log     func(level slog.Level, line string)
	problem func(error)
}

func (o *outlet) notify(err error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if o.problem != nil {
		o.problem(err)
	}
}

// Write takes one line from memberlist's logger.
func (o *outlet) Write(b []byte) (int, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if o.log != nil {
		o.log(parseLine(string(b)))
	}
	return len(b), nil
}

func (o *outlet) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log, o.problem = nil, nil
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
