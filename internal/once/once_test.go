package once

import (
	"fmt"
	"testing"
)

func TestSetForgetsTheOldest(t *testing.T) {
	var s Set
	n := 0
	for i := range 2 * Most {
		for range 2 {
			if s.First("about", fmt.Sprint(i)) {
				n++
			}
		}
	}
	if n != 2*Most || len(s.seen) != Most {
		t.Errorf("%d reports about %d things, %d remembered", n, 2*Most, len(s.seen))
	}
	if !s.First("about", "0") {
		t.Error("the oldest wasn't forgotten")
	}
	if s.First("about", fmt.Sprint(2*Most-1)) {
		t.Error("the latest was forgotten")
	}
}

func TestSetForgets(t *testing.T) {
	var s Set
	for _, about := range []string{"a", "b"} {
		if !s.First(about) || s.First(about) {
			t.Errorf("%s isn't reported once", about)
		}
	}
	s.Forget("a")
	s.Forget("c")
	if !s.First("a") || s.First("b") {
		t.Error("something else was forgotten")
	}
	s.Clear()
	if !s.First("a") || !s.First("b") {
		t.Error("not all was forgotten")
	}
}
