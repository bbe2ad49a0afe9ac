package cluster

import (
	"fmt"
	"testing"
)

func TestTellerTellsChangesOnly(t *testing.T) {
	var told [][]string
	tl := notifier{set: func(nodes []string) { told = append(told, nodes) }}
	for _, nodes := range [][]string{nil, {}, {"b:1", "a:1"}, {"a:1", "b:1", "a:1"}, {"a:1"}, nil,
		nil, {"a:1"}} {
		tl.notify(nodes)
	}
	if got, want := fmt.Sprint(told), "[[] [a:1 b:1] [a:1] [] [a:1]]"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}
