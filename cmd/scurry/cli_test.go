package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestTopics: "scurry help" lists each command and each topic in a line that a terminal of 80
// columns holds, and prints what it lists: for a name that both have, both.
func TestTopics(t *testing.T) {
	commands := names(kong.Must(&cli{}))
	var list strings.Builder
	if code := run(t.Context(), []string{"help"}, &list, io.Discard, nil); code != exitOK {
		t.Fatalf("scurry help exits with %d", code)
	}
	for _, name := range append(commands, topicNames()...) {
		if len(name) < 3 {
			t.Errorf("%q is too short", name)
		}
		if !strings.Contains(list.String(), "\n  "+name+" ") {
			t.Errorf("scurry help doesn't list %s", name)
		}
		var out strings.Builder
		code := run(t.Context(), []string{"help", name}, &out, io.Discard, nil)
		if code != exitOK || out.Len() < 100 || !strings.HasSuffix(out.String(), page(name)) ||
			slices.Contains(commands, name) && !strings.Contains(out.String(), "Usage: scurry "+
				name) {
			t.Errorf("scurry help %s exits with %d and prints %d bytes", name, code, out.Len())
		}
	}
	for line := range strings.Lines(list.String()) {
		if len(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("longer than a terminal is wide: %s", line)
		}
	}
}
