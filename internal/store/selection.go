package store

import (
	"hash/maphash"
	"net/http"
	"slices"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// selection tells which stored responses a request selects (RFC 9111 section 4.1).
type selection struct {
	seed maphash.Seed // of imprints
}

// selects reports whether request selects rec by the Vary of rec itself.
func (s *selection) selects(rec *Record, request http.Header) bool {
	return (rec.Part == Part{} || httpcache.Part(rec.Part).Answers(request)) &&
		(len(rec.Vary) == 0 || httpcache.Selecting(rec.Vary, request) == rec.Variant)
}

// agrees reports whether request has in the fields of names that rec's Vary leaves out what the
// request had that rec answers. Of a request that isn't remembered this isn't known. A note that a
// response isn't stored is for all requests that its Vary doesn't exclude.
func (s *selection) agrees(rec *Record, names []string, request http.Header) bool {
	if rec.Pass {
		return true
	}
	for _, name := range names {
		if slices.Contains(rec.Vary, name) {
			continue
		}
		if p := rec.asking.imprint(); p == "" || s.field(p, name) != s.fieldOf(request, name) {
			return false
		}
	}
	return true
}

// alike reports whether a and b are the same variant where names tell variants apart.
func (s *selection) alike(a, b *Record, names []string) bool {
	same := slices.Equal(a.Vary, b.Vary)
	if same && a.Variant != b.Variant {
		return false
	}
	of, other := a.asking.imprint(), b.asking.imprint()
	for _, name := range names {
		if same && slices.Contains(a.Vary, name) {
			continue
		}
		if of == "" || other == "" || s.field(of, name) != s.field(other, name) {
			return false
		}
	}
	return true
}

func (s *selection) variantBy(names []string, request http.Header) string {
	if len(names) == 0 {
		return ""
	}
	return "by " + httpcache.Selecting(names, request)
}

// imprintOf remembers request.
func (s *selection) imprintOf(request http.Header) imprint {
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
func (s *selection) fieldOf(request http.Header, name string) cell {
	if len(request[name]) == 0 {
		return cell{}
	}
	n, v := s.hash(name), s.hash(httpcache.Selecting([]string{name}, request))
	return cell{byte(n), byte(n >> 8), byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}
}

// field is what p has of that field.
func (s *selection) field(p imprint, name string) (field cell) {
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
func (s *selection) hash(text string) uint64 { return maphash.String(s.seed, text) | 1 }
