package store

import (
	"time"

	"github.com/scurrycache/scurry/internal/codec"
)

// flightResult is what a flight brings, for all who wait for it.
type flightResult struct {
	rec   *Record
	found bool   // in the owner's table, not at the origin
	peer  string // the owner, if that isn't this node
}

func (fr *flightResult) encode(now time.Time) []byte {
	b := codec.AppendFlags(make([]byte, 0, 64), []*bool{&fr.found})
	return append(codec.AppendText(b, fr.peer), fr.rec.Encode(now)...)
}

func decodeFlightResult(b []byte, now time.Time) (*flightResult, error) {
	d, fr := codec.Decoder{B: b}, &flightResult{}
	d.Flags([]*bool{&fr.found})
	fr.peer = d.Text()
	var err error
	fr.rec, err = Decode(d.Rest(), now)
	return fr, err
}
