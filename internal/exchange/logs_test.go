package exchange

import "testing"

// TestStillMissed: a node is tried by one goroutine until it has been told of all that it has
// missed, and by none after the end.
func TestStillMissed(t *testing.T) {
	x := open(t)
	x.missed["p"] = 1 // as if it were being tried
	x.keepSharing("p")
	if missed := x.stillMissed("p", 1, false); missed != 2 {
		t.Errorf("%d are missed: what came meanwhile is forgotten", missed)
	}
	if missed := x.stillMissed("p", 2, false); missed != 0 || len(x.missed) > 0 {
		t.Errorf("%d are missed of a node that has been told of all", missed)
	}
	x.Close()
	x.keepSharing("p") // a goroutine would begin after the wait for it
	x.work.Wait()
	if x.missed["p"] != 1 {
		t.Error("tried after the end")
	}
}
