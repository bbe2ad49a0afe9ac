package main

import (
	"io"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestTopics: "scurry help" lists each command and each topic under a name of its own, in a line
// that a terminal of 80 columns holds, and prints what it lists.
func TestTopics(t *testing.T) {
	commands := names(kong.Must(&cli{}))
	var list strings.Builder
	if code := run(t.Context(), []string{"help"}, &list, io.Discard, nil); code != exitOK {
		t.Fatalf("scurry help exits with %d", code)
	}
	seen := map[string]bool{}
	for _, name := range append(commands, topicNames()...) {
		if seen[name] || len(name) < 3 {
			t.Errorf("%q is too short, or both a command and a topic", name)
		}
		seen[name] = true
		if !strings.Contains(list.String(), "\n  "+name+" ") {
			t.Errorf("scurry help doesn't list %s", name)
		}
		var page strings.Builder
		code := run(t.Context(), []string{"help", name}, &page, io.Discard, nil)
		if code != exitOK || page.Len() < 100 {
			t.Errorf("scurry help %s exits with %d and prints %d bytes", name, code, page.Len())
		}
	}
	for line := range strings.Lines(list.String()) {
		if len(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("longer than a terminal is wide: %s", line)
		}
	}
}
