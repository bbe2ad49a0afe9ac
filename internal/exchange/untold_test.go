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
	missed := u.missed("p")
	u.miss("p", retry)
	if retries != 1 {
		t.Errorf("%d goroutines try", retries)
	}
	if u.over("p", missed) {
		t.Error("what it has missed meanwhile is forgotten")
	}
	if !u.over("p", u.missed("p")) {
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
