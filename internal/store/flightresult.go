package store

import (
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
)

// flightResult is what a flight brings, for all who wait for it.
type flightResult struct {
	rec   *Record
	found bool               // in the owner's table, not at the origin
	peer  string             // the owner, if that isn't this node
	began invalidation.Token // when the origin, or the owner, was asked
}

func (fr *flightResult) encode(now time.Time) []byte {
	c := codec.Coder{B: make([]byte, 0, 64)}
	fr.code(&c)
	return append(c.B, fr.rec.Encode(now)...)
}

func decodeFlightResult(b []byte, now time.Time) (*flightResult, error) {
	c, fr := codec.Reader(b), &flightResult{}
	fr.code(&c)
	var err error
	fr.rec, err = Decode(c.Rest(), now)
	return fr, err
}

// code codes what comes before the record.
func (fr *flightResult) code(c *codec.Coder) {
	c.Flags(&fr.found)
	c.Text(&fr.peer)
	codec.Int(c, &fr.began)
}
