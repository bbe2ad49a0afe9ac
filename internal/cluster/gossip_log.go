package cluster

import (
	"context"
	"strings"

	"github.com/rs/zerolog"
)

// lines takes memberlist's lines to a log until base ends: some of memberlist's timers fire after
// its Shutdown.
type lines struct {
	base context.Context
	log  zerolog.Logger
}

// Write takes one line.
func (l lines) Write(b []byte) (int, error) {
	if l.base.Err() == nil {
		level, line := parseLine(string(b))
		l.log.WithLevel(level).Msg(line)
	}
	return len(b), nil
}

// parseLine takes the level off a line. One without is a warning, and so is an error, since gossip
// goes on after it.
func parseLine(line string) (zerolog.Level, string) {
	line = strings.TrimSpace(line)
	level := zerolog.WarnLevel
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "[DEBUG]":
		level = zerolog.DebugLevel
	case "[INFO]":
		level = zerolog.InfoLevel
	case "[WARN]", "[ERR]", "[ERROR]", "Err:":
	default:
		return level, line
	}
	return level, strings.TrimPrefix(rest, "memberlist: ")
}
