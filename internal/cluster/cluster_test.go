package cluster

import (
	"fmt"
	"testing"
)

func TestTellerTellsChangesOnly(t *testing.T) {
	var told [][]string
	tl := notifier{set: func(nodes []string) { told = append(told, nodes) }}
	for _, nodes := range [][]string{nil, {}, {"b:1", "a:1"}, {"a:1", "b:1", "a:1"}, {"a:1"}, nil, nil, {"a:1"}} {
		tl.notify(nodes)
	}
	if got, want := fmt.Sprint(told), "[[] [a:1 b:1] [a:1] [] [a:1]]"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestProblemsAreForgottenWhenTooMany(t *testing.T) {
	told := 0
	p := problems{notify: func(error) { told++ }}
	for i := range 3 * maxProblems {
		p.report(fmt.Sprint(i), nil)
		p.report(fmt.Sprint(i), nil)
		if len(p.reported) > maxProblems {
			t.Fatalf("%d problems remembered", len(p.reported))
		}
	}
	if told != 3*maxProblems {
		t.Errorf("told %d times, want %d", told, 3*maxProblems)
	}
}
