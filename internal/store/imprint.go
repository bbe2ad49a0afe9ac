package store

import (
	"hash/maphash"
	"net/http"
)

// imprint is what is remembered of a request's fields: for each the hash of its name and that of
// its value, by the store's seed. It is nil if nothing is remembered.
type imprint []uint64

// maxImprint bounds the fields of a request that are remembered.
const maxImprint = 100

// imprintOf remembers request.
func (s *Store) imprintOf(request http.Header) imprint {
	if len(request) > maxImprint {
		return nil
	}
	p := make(imprint, 0, len(request))
	for name := range request {
		if field := s.fieldOf(request, name); field != 0 {
			p = append(p, field)
		}
	}
	return p
}

// fieldOf is a field of request as an imprint has it, 0 if there is none.
func (s *Store) fieldOf(request http.Header, name string) uint64 {
	if len(request[name]) == 0 {
		return 0
	}
	value := s.cfg.Selecting([]string{name}, request)
	return s.hash(name)<<32 | s.hash(value)
}

// field is what p has of that field, 0 if the request had none.
func (s *Store) field(p imprint, name string) uint64 {
	hash := s.hash(name)
	for _, field := range p {
		if field>>32 == hash {
			return field
		}
	}
	return 0
}

// hash is a hash of 32 bits, the lowest of which is set so that it isn't 0.
func (s *Store) hash(text string) uint64 { return maphash.String(s.seed, text)&(1<<32-1) | 1 }
