package store

import (
	"cmp"
	"encoding/binary"
	"errors"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
)

// The encoding of a record: fields in a fixed order, numbers as varints, strings with their length
// before them. Times are sent as ages, since the clocks of two nodes differ. The key isn't sent:
// the requester knows it.

const codecVersion = 7

// MaxLength is above all lengths of contents, so that offsets can be added to.
const MaxLength = 1 << 60

// Encode is r for other nodes, and for those who share a flight.
func (r *Record) Encode(now time.Time) []byte {
	b := make([]byte, 0, 512)
	b = append(b, codecVersion)
	b = codec.AppendText(b, cmp.Or(r.URL, r.Key))
	b = codec.AppendTexts(b, r.Vary)
	b = codec.AppendTexts(b, r.Groups)
	b = codec.AppendText(b, r.Variant)
	b = codec.AppendText(b, r.Version)
	b = binary.AppendUvarint(b, r.Revision)
	b = binary.AppendVarint(b, int64(r.Status))
	b = codec.AppendFields(b, r.Head)
	b = codec.AppendHeader(b, r.Selecting())
	b = codec.AppendHeader(b, r.Trailer)
	for _, t := range []time.Time{r.RequestTime.Time(), r.ResponseTime.Time(), r.PassUntil.Time(),
		r.RetryAfter.Time()} {
		b = binary.AppendVarint(b, int64(now.Sub(t)))
	}
	for _, n := range []int64{r.Length, r.Part.Start, r.Part.End, r.Part.Total} {
		b = binary.AppendVarint(b, n)
	}
	b = codec.AppendFlags(b, r.flags())
	return codec.AppendText(b, string(r.content()))
}

func (r *Record) flags() []*bool {
	return []*bool{&r.Rangeable, &r.Resumable, &r.OneSlab, &r.Pass, &r.Fragments, &r.Undated,
		&r.HeadOnly}
}

// ErrEncoding is that bytes are no record.
var ErrEncoding = errors.New("not a record of this version")

// Decode makes a record of b, which was encoded by any node. It has no Key yet and isn't prepared.
func Decode(b []byte, now time.Time) (*Record, error) {
	d := codec.Decoder{B: b}
	r := NewRecord()
	if d.Byte() != codecVersion {
		return nil, ErrEncoding
	}
	r.URL = d.Text()
	r.Vary = d.Texts()
	r.Groups = d.Texts()
	r.Variant = d.Text()
	r.Version = d.Text()
	r.Revision = d.Uvarint()
	r.Status = int(d.Varint())
	r.SetFields(d.Fields())
	r.SetSelecting(d.Header())
	if r.Trailer = d.Header(); len(r.Trailer) == 0 {
		r.Trailer = nil
	}
	ago := func() time.Time { return now.Add(-time.Duration(d.Varint())) }
	request, response := ago(), ago()
	r.SetTimes(request, response)
	r.PassUntil, r.RetryAfter = Until(ago()), Until(ago())
	for _, n := range []*int64{&r.Length, &r.Part.Start, &r.Part.End, &r.Part.Total} {
		*n = d.Varint()
	}
	d.Flags(r.flags())
	r.small = smallContent([]byte(d.Text()))
	if d.Bad || len(d.B) > 0 || r.Status < 200 || r.Status > 599 || r.Length < -1 ||
		r.Length >= MaxLength || !r.Part.holds(r.Length) || !r.keeps() {
		return nil, ErrEncoding
	}
	return r, nil
}

// holds reports whether p, if it is a part, is one of length bytes.
func (p Part) holds(length int64) bool {
	return p == Part{} || (p.Start >= 0 && p.Start < p.End && p.End <= p.Total &&
		p.End-p.Start == length)
}
