package proxy_test

import (
	"slices"
	"testing"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/measure"
	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestOutcomesAreTheLogs: what is counted of requests that have ended has the names of the access
// log.
func TestOutcomesAreTheLogs(t *testing.T) {
	if len(measure.Outcomes) != int(decide.Outcomes) {
		t.Fatalf("%d outcomes, and %d", len(measure.Outcomes), decide.Outcomes)
	}
	for o, name := range measure.Outcomes {
		if word := decide.Outcome(o).String(); word != name && o != int(decide.OutcomeNone) {
			t.Errorf("outcome %d is %s, and %s", o, name, word)
		}
	}
}

// TestEnded: both lanes count a request once when it has ended, by all that there is to it.
func TestEnded(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", origintest.File{Size: 700, ETag: `"1"`, Header: maxAge("6000")}.ServeHTTP)
	for _, get := range [][]string{
		{"/files/f"}, {"/files/f"}, {"/files/f"},
		{"/files/f", "X-Other: a"}, // which the lane doesn't know
		{"/files/f", "Range: bytes=0-9"}, {"/files/f", `If-None-Match: "1"`}, {"/files/none"},
		{"/elsewhere"},
	} {
		n.get(get[0], get[1:]...)
	}
	want := map[[2]string]uint64{{"miss", "2xx"}: 1, {"hit", "2xx"}: 4, {"hit", "3xx"}: 1,
		{"none", "4xx"}: 1, {"miss", "4xx"}: 1}
	var e proxy.Ended
	total := func() (sum uint64) {
		e = n.Proxy.Stats().Ended
		for _, classes := range e.Requests {
			for _, some := range classes {
				sum += some
			}
		}
		return sum
	}
	eventually(t, "all requests have ended", func() bool { return total() == 8 })
	for o, outcome := range measure.Outcomes {
		for c, class := range measure.Classes {
			if got := e.Requests[o][c]; got != want[[2]string{outcome, class}] {
				t.Errorf("%s %s: %d", outcome, class, got)
			}
		}
	}
	if amongPeers > 1 {
		return // the bytes come from a peer, which asks the origin
	}
	memory, origin := slices.Index(measure.Sources[:], "memory"), slices.Index(measure.Sources[:],
		"origin")
	if e.Bytes[memory] != 3*700+10 || e.Bytes[origin] < 700 || e.Aborted != 0 {
		t.Errorf("%v bytes, %d aborted", e.Bytes, e.Aborted)
	}
	// A fetch ends when its exchange with the origin has, which may be after the client has it all.
	var s proxy.Stats
	eventually(t, "both exchanges with the origin have ended", func() bool {
		s = n.Proxy.Stats()
		return s.OriginInFlight == 0 && s.OriginTook.Count == 2
	})
	if s.OriginFirst.Count != 2 || s.Origin.LastSuccess.IsZero() || !s.Origin.LastError.IsZero() {
		t.Errorf("the origin: %d answers began, success %v, error %v", s.OriginFirst.Count,
			s.Origin.LastSuccess, s.Origin.LastError)
	}
	if s.Main.Entries+s.Probation.Entries != s.Chunks || s.RecordPart.Entries != s.Records ||
		s.Main.Limit == 0 || s.RecordPart.Limit != s.Memory/2 {
		t.Errorf("the parts: main %+v, probation %+v, records %+v, chunks %d, records %d, memory %d",
			s.Main, s.Probation, s.RecordPart, s.Chunks, s.Records, s.Memory)
	}
}
