package logging

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"
)

// TestTimes holds the texts of times to those of package time, and of durations to those of
// encoding/json.
func TestTimes(t *testing.T) {
	for i := range 10_000 {
		at := time.Unix(rand.Int64N(4e9), rand.Int64N(1e9)).In(time.FixedZone("", 3600))
		if i%2 > 0 { // the second of the time before
			at = time.Unix(lastSecond.Load().unix, rand.Int64N(1e9))
		}
		want := at.UTC().Format("2006-01-02T15:04:05.000Z07:00")
		if got := string(appendTime([]byte("x"), at)); got != "x"+want {
			t.Fatalf("%s, want %s", got, want)
		}
		d := time.Duration(rand.Int64N(1 << (1 + i%60)))
		if i%3 == 0 {
			d = d.Truncate(time.Millisecond)
		}
		number, _ := json.Marshal(float64(d.Microseconds()) / 1000)
		if got := string(appendMilliseconds([]byte("x"), d)); got != "x"+string(number) {
			t.Fatalf("%d: %s, want %s", d, got, number)
		}
	}
}
