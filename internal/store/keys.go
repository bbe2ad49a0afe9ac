package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"github.com/scurrycache/scurry/internal/chunk"
)

// Keys of groups consist of letters, digits, '-', '_' and '.', so that they need no escaping anywhere.

// digest is a short name for parts, under which no two lists of parts collide in practice: 132 bits of SHA-256.
func digest(parts ...string) string {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))[:22]
}

// version names rec's bytes. With a strong validator and a length it is a function of what all nodes know, else of
// chance. The length is part of it, and the content coding, because there are origins that change them and forget to
// change the validator.
func (s *Store) version(rec *Record, validator string) string {
	if validator == "" || rec.Length < 0 {
		return rand.Text()[:22]
	}
	g := s.cfg.Geometry
	parts := []string{rec.Key, validator, rec.Variant, rec.Header.Get("Content-Encoding"), strconv.FormatBool(rec.OneSlab)}
	for _, n := range []int64{int64(rec.Status), rec.Length, int64(rec.Generation), g.First, g.Max, g.Slab} {
		parts = append(parts, strconv.FormatInt(n, 36))
	}
	return digest(parts...)
}

// place is what the keys of all chunks under a cache key begin with.
func (s *Store) place(key string) string { return s.chunks.Prefix() + digest(key) + "." }

// chunkKey is the key of one chunk in the chunks group. The part before the slab's number and that number are what
// decides on its owner.
func (s *Store) chunkKey(rec *Record, id chunk.ID) string {
	if id == (chunk.ID{}) && rec.first != "" {
		return rec.first
	}
	b := make([]byte, 0, 80)
	b = append(b, rec.place...)
	b = strconv.AppendInt(b, id.Slab, 36)
	b = append(b, '.')
	b = append(b, rec.Version...)
	b = append(b, '.')
	b = strconv.AppendInt(b, id.Index, 36)
	return string(b)
}

// flightKey is the key of a question in the records group: those with the same key share an answer.
func (s *Store) flightKey(ask *Ask, generation uint64, variant string) string {
	key := s.records.Prefix() + digest(ask.Key) + ".0." + strconv.FormatUint(generation, 36) + "." + digest(variant)
	if ask.Alone {
		key += "." + rand.Text()
	}
	return key
}
