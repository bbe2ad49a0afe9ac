package store

import (
	"hash/maphash"
	"net/http"

	"github.com/scurrycache/scurry/internal/fields"
	"github.com/scurrycache/scurry/internal/httpcache"
)

// asking is what a record remembers of the request that it answers, in one string to save memory:
// the number of cells in its imprint, these, and the fields that a request for a part repeats.
type asking string

func (a asking) imprint() imprint {
	if a == "" {
		return ""
	}
	return imprint(a[1 : 1+int(a[0])*len(cell{})])
}

func (a asking) selecting() fields.Packed {
	if a == "" {
		return ""
	}
	return fields.Packed(a[1+int(a[0])*len(cell{}):])
}

func askingOf(p imprint, selecting fields.Packed) asking {
	return asking(append([]byte{byte(len(p) / len(cell{}))}, string(p)+string(selecting)...))
}

// imprint is what is remembered of a request's fields: a cell for each. It is "" if nothing is
// remembered.
type imprint string

// cell is a field in few bytes: two of the hash of its name and four of that of its value, by the
// store's seed. The zero cell is that of a field which a request doesn't have. If two names of a
// request share a hash, that request agrees with none.
type cell [2 + 4]byte

// maxImprint bounds the fields of a request that are remembered.
const maxImprint = 100

// imprintOf remembers request.
func (s *Store) imprintOf(request http.Header) imprint {
	if len(request) > maxImprint {
		return ""
	}
	p := make([]byte, 0, (len(request)+1)*len(cell{}))
	for name := range request {
		field := s.fieldOf(request, name)
		p = append(p, field[:]...)
	}
	if len(p) == 0 {
		p = append(p, make([]byte, len(cell{}))...) // it had no fields, which is something
	}
	return imprint(p)
}

// fieldOf is a field of request as an imprint has it.
func (s *Store) fieldOf(request http.Header, name string) cell {
	if len(request[name]) == 0 {
		return cell{}
	}
	n, v := s.hash(name), s.hash(httpcache.Selecting([]string{name}, request))
	return cell{byte(n), byte(n >> 8), byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}
}

// field is what p has of that field.
func (s *Store) field(p imprint, name string) (field cell) {
	n := s.hash(name)
	for ; len(p) > 0; p = p[len(field):] {
		if p[0] == byte(n) && p[1] == byte(n>>8) {
			copy(field[:], p)
			return field
		}
	}
	return cell{}
}

// hash is a hash whose lowest bit is set, so that no field's cell is the zero one.
func (s *Store) hash(text string) uint64 { return maphash.String(s.seed, text) | 1 }
