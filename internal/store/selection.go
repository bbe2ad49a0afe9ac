package store

import (
	"encoding/binary"
	"hash/maphash"
	"net/http"
	"slices"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/trace"
)

// A request selects a stored response by the fields that Vary names (RFC 9111 section 4.1).

// selectedBy reports whether request selects r by r's own Vary.
func (r *Record) selectedBy(request http.Header) bool {
	return (r.Part == Part{} || httpcache.Part(r.Part).Answers(request)) &&
		(len(r.Vary) == 0 || httpcache.Selecting(r.Vary, request) == r.Variant)
}

// agrees reports whether request equals the request that r answers in those fields of names that
// r's Vary leaves out. If r remembers nothing of its request, it doesn't. A note that a response
// isn't stored is for all requests that its Vary doesn't exclude.
func (r *Record) agrees(names []string, request http.Header) bool {
	p := r.asking.imprint()
	return r.Pass || !slices.ContainsFunc(names, func(name string) bool {
		return !slices.Contains(r.Vary, name) && (p == "" ||
			p.field(name) != fieldOf(request, name))
	})
}

// ousts reports whether r takes the place of old, one of variants, because both are for the same
// requests. A record that isn't stored takes the place of its like only. So does a part, and the
// answer to a HEAD.
func (r *Record) ousts(old *Record, variants []*Record) bool {
	same, part := slices.Equal(r.Vary, old.Vary), r.Part != Part{}
	if r.Pass && !old.Pass || part && r.Part != old.Part || !r.takesBack(old) ||
		same && r.Variant != old.Variant {
		return false
	}
	names := r.Vary
	if !r.Pass {
		names = merged(varyOf(variants, old.HeadOnly), r.Vary)
	}
	p, other := r.asking.imprint(), old.asking.imprint()
	return !slices.ContainsFunc(names, func(name string) bool {
		return !(same && slices.Contains(r.Vary, name)) &&
			(p == "" || other == "" || p.field(name) != other.field(name))
	})
}

func variantBy(names []string, request http.Header) string {
	if len(names) == 0 {
		return ""
	}
	return "by " + httpcache.Selecting(names, request)
}

// imprintOf returns the imprint of request.
func imprintOf(request http.Header) imprint {
	if len(request) > maxImprint {
		return ""
	}
	p := make([]byte, 0, (len(request)+1)*len(cell{}))
	for name := range request {
		if trace.Field(name) {
			continue
		}
		field := fieldOf(request, name)
		p = append(p, field[:]...)
	}
	if len(p) == 0 {
		var none cell
		p = append(p, none[:]...) // it had no fields, which is something
	}
	return imprint(p)
}

// fieldOf is the cell of a field of request.
func fieldOf(request http.Header, name string) (field cell) {
	if len(request[name]) == 0 {
		return field
	}
	value := hash(httpcache.Selecting([]string{name}, request))
	binary.LittleEndian.PutUint16(field[:], uint16(hash(name)))
	binary.LittleEndian.PutUint32(field[2:], uint32(value))
	return field
}

// field is the cell of that field in p.
func (p imprint) field(name string) (field cell) {
	n := hash(name)
	for ; len(p) > 0; p = p[len(field):] {
		if p[0] == byte(n) && p[1] == byte(n>>8) {
			copy(field[:], p)
			return field
		}
	}
	return cell{}
}

// hash is a hash whose lowest bit is set, so that no field's cell is the zero one.
func hash(text string) uint64 { return maphash.String(seed, text) | 1 }
