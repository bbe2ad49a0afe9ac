package main

import (
	"slices"
	"testing"

	"github.com/alecthomas/kong"
)

// TestCommands: what is told of commands is told of those that there are.
func TestCommands(t *testing.T) {
	var names []string
	for _, command := range kong.Must(&cli{}).Model.Children {
		names = append(names, command.Name)
	}
	if !slices.Equal(names, commands) {
		t.Errorf("there are the commands %q, not %q", names, commands)
	}
}
