package store

import (
	"encoding/binary"
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
	b := codec.AppendFlags(make([]byte, 0, 64), []*bool{&fr.found})
	b = binary.AppendUvarint(codec.AppendText(b, fr.peer), uint64(fr.began))
	return append(b, fr.rec.Encode(now)...)
}

func decodeFlightResult(b []byte, now time.Time) (*flightResult, error) {
	d, fr := codec.Decoder{B: b}, &flightResult{}
	d.Flags([]*bool{&fr.found})
	fr.peer = d.Text()
	fr.began = invalidation.Token(d.Uvarint())
	var err error
	fr.rec, err = Decode(d.Rest(), now)
	return fr, err
}
