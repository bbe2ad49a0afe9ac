package exchange

import (
	"fmt"
	"testing"
)

// TestMissedInvalidations: a node that couldn't be told is told when it is met, once; and one that is
// met for the first time, if anything has been invalidated before.
func TestMissedInvalidations(t *testing.T) {
	var o missedInvalidations
	retries := 0
	retry := func() { retries++ }
	if o.meet("a") != 0 {
		t.Error("a has missed something before anything was invalidated")
	}
	o.queueForAbsent(nil)
	first := o.meet("a")
	if first == 0 || o.meet("b") == 0 {
		t.Errorf("absent a has missed %d, new b %d", first, o.meet("b"))
	}
	o.queue("a", retry)
	o.queue("a", retry)
	if retries != 1 {
		t.Errorf("%d times begun to try again", retries)
	}
	o.delivered("a", first)
	if o.meet("a") == 0 || o.over("a", true) {
		t.Error("what a has missed since it was told of the first is forgotten")
	}
	o.delivered("a", o.meet("a"))
	if o.meet("a") != 0 || !o.over("a", true) {
		t.Error("a has been told of all, and is told again")
	}
	o.queue("a", retry)
	if retries != 2 || !o.over("a", false) {
		t.Errorf("%d times begun to try again; one that is no member any more is told when it is met", retries)
	}
	o.close()
	if o.queue("c", retry); retries != 2 {
		t.Error("tried again after the end")
	}
}

// TestForgottenNodesAreTold: of more nodes than are remembered none is taken for one that has missed
// nothing.
func TestForgottenNodesAreTold(t *testing.T) {
	var o missedInvalidations
	o.meet("first")
	o.queueForAbsent(nil)
	o.delivered("first", o.meet("first"))
	for i := range maxKnown {
		name := fmt.Sprint("n", i)
		o.delivered(name, o.meet(name))
	}
	if o.meet("first") == 0 {
		t.Error("the first node has been forgotten, and isn't told")
	}
	if len(o.known) > maxKnown || len(o.missed) > maxKnown {
		t.Errorf("%d nodes known, %d missed", len(o.known), len(o.missed))
	}
}
