package store

import "testing"

func TestPlaceIsAllBeforeTheSecondDot(t *testing.T) {
	for key, want := range map[string]string{"a.0.v.1": "a.0", "a.1z.v": "a.1z", "a.0": "a.0"} {
		if got := routingKeyOf(key); got != want {
			t.Errorf("place of %q is %q, want %q", key, got, want)
		}
	}
}
