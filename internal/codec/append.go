// Package codec is the binary form of what nodes and flights pass on: numbers as varints, strings
// and lists with their length before them, in an order that both sides know.
//
// Values go in, to be appended to a message; a Decoder takes them out of one again, and trusts it
// in nothing.
package codec

import (
	"encoding/binary"
	"net/http"

	"github.com/scurrycache/scurry/internal/fields"
)

// AppendFlags appends a byte for each flag.
func AppendFlags(b []byte, flags []*bool) []byte {
	for _, flag := range flags {
		if *flag {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

// AppendHeader appends fields, in no order.
func AppendHeader(b []byte, h http.Header) []byte {
	b = binary.AppendUvarint(b, uint64(len(h)))
	for name, values := range h {
		b = AppendText(b, name)
		b = AppendTexts(b, values)
	}
	return b
}

// AppendFields appends fields that are packed, which takes less than to unpack them first.
func AppendFields(b []byte, p fields.Packed) []byte {
	b = binary.AppendUvarint(b, uint64(p.Len()))
	for name, value := range p.All() {
		b = AppendText(AppendText(b, name), value)
	}
	return b
}

// AppendText appends a string with its length before it.
func AppendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// AppendTexts appends a list of strings with its length before it.
func AppendTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = AppendText(b, s)
	}
	return b
}
