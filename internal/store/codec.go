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

const codecVersion = 8

// MaxLength is above all lengths of contents, so that offsets can be added to.
const MaxLength = 1 << 60

// Encode encodes r for other nodes.
func (r *Record) Encode(now time.Time) []byte {
	b := append(make([]byte, 0, 512), codecVersion)
	for _, s := range []string{cmp.Or(r.URL, r.Key), r.Variant, r.Version, string(r.content())} {
		b = codec.AppendText(b, s)
	}
	b = codec.AppendTexts(codec.AppendTexts(b, r.Vary), r.Groups)
	b = binary.AppendUvarint(b, r.Revision)
	b = binary.AppendVarint(b, int64(r.Status))
	b = codec.AppendFields(b, r.Head)
	b = codec.AppendHeader(codec.AppendHeader(b, r.Selecting()), r.Trailer)
	for _, t := range []time.Time{r.RequestTime.Time(), r.ResponseTime.Time(), r.PassUntil.Time(),
		r.RetryAfter.Time()} {
		b = binary.AppendVarint(b, int64(now.Sub(t)))
	}
	for _, n := range []int64{r.Length, r.Part.Start, r.Part.End, r.Part.Total} {
		b = binary.AppendVarint(b, n)
	}
	return codec.AppendFlags(b, r.flags())
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
	r.URL, r.Variant, r.Version = d.Text(), d.Text(), d.Text()
	r.small = smallContent([]byte(d.Text()))
	r.Vary, r.Groups = d.Texts(), d.Texts()
	r.Revision, r.Status = d.Uvarint(), int(d.Varint())
	r.SetFields(d.Fields())
	r.SetSelecting(d.Header())
	if r.Trailer = d.Header(); len(r.Trailer) == 0 {
		r.Trailer = nil
	}
	ago := func() time.Time { return now.Add(-time.Duration(d.Varint())) }
	r.SetTimes(ago(), ago())
	for _, until := range []*Deadline{&r.PassUntil, &r.RetryAfter} {
		if t := ago(); t.After(now) {
			*until = Until(t)
		}
	}
	for _, n := range []*int64{&r.Length, &r.Part.Start, &r.Part.End, &r.Part.Total} {
		*n = d.Varint()
	}
	d.Flags(r.flags())
	if d.Bad || len(d.B) > 0 || r.Status < 200 || r.Status > 599 || r.Length < -1 ||
		r.Length >= MaxLength || !r.Part.holds(r.Length) ||
		r.small != nil && int64(len(*r.small)) != r.Length {
		return nil, ErrEncoding
	}
	return r, nil
}

// holds reports whether p, if it is a part, is one of length bytes.
func (p Part) holds(length int64) bool {
	return p == Part{} || (p.Start >= 0 && p.Start < p.End && p.End <= p.Total &&
		p.End-p.Start == length)
}
