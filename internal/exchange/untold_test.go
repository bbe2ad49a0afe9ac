package exchange

import (
	"testing"
)

// TestUntold: a node is tried by one goroutine until it has been told of all that it has missed, and
// by none after the end.
func TestUntold(t *testing.T) {
	var u untold
	retries := 0
	retry := func() { retries++ }
	u.miss("p", retry)
	u.miss("p", retry)
	if retries != 1 {
		t.Errorf("%d goroutines try", retries)
	}
	missed, over := u.over("p", 1)
	if over {
		t.Error("what it has missed meanwhile is forgotten")
	}
	if _, over := u.over("p", missed); !over {
		t.Error("it has been told of all, and is tried again")
	}
	if u.miss("p", retry); retries != 2 {
		t.Error("it isn't tried again for what it misses later")
	}
	u.close()
	if u.miss("other", retry); retries != 2 {
		t.Error("tried after the end")
	}
}
