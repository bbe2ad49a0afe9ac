package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/chunk"
)

// Keys of groups consist of letters, digits, '-', '_' and '.', so that they need no escaping
// anywhere.

// digest is a short name for parts, under which no two lists of parts collide in practice: 132 bits
// of SHA-256.
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

// version names rec's bytes. With a strong validator and a length it is a function of what all
// nodes know, else of chance. The length is part of it, and the content coding, because there are
// origins that change them and forget to change the validator.
func (s *Store) version(rec *Record, validator string) string {
	if validator == "" || rec.Length < 0 {
		return rand.Text()[:22]
	}
	g := s.cfg.Geometry
	parts := []string{rec.Key, validator, rec.Variant, rec.Head.Get("Content-Encoding"), strconv.FormatBool(rec.OneSlab)}
	for _, n := range []int64{int64(rec.Status), rec.Length, int64(rec.Generation), int64(rec.mark), g.First, g.Max, g.Slab} {
		parts = append(parts, strconv.FormatInt(n, 36))
	}
	return digest(parts...)
}

// keyPrefix is what the keys of all chunks under a cache key begin with.
func (s *Store) keyPrefix(key string) string { return s.chunks.Prefix() + s.routingKey(key) + "." }

// keyPrefixOf is the place of rec's key.
func (s *Store) keyPrefixOf(rec *Record) string {
	if rec.first == "" {
		return s.keyPrefix(rec.Key)
	}
	return rec.first[:len(rec.first)-len("0.")-len(rec.Version)-len(".0")]
}

// routingKey is a short name for the part of a cache key that decides on its owner.
func (s *Store) routingKey(key string) string { return digest(s.cfg.Keys.CanonicalKey(key)) }

// chunkKey is the key of one chunk in the chunks group. The part before the slab's number and that
// number are what decides on its owner.
func (s *Store) chunkKey(rec *Record, id chunk.ID) string {
	if id == (chunk.ID{}) && rec.first != "" {
		return rec.first
	}
	b := make([]byte, 0, 80)
	b = append(b, s.keyPrefixOf(rec)...)
	b = strconv.AppendInt(b, id.Slab, 36)
	b = append(b, '.')
	b = append(b, rec.Version...)
	b = append(b, '.')
	b = strconv.AppendInt(b, id.Index, 36)
	return string(b)
}

// fragmentKey is the key of a fragment of a chunk. What decides on a chunk's owner decides on that
// of its fragments.
func (s *Store) fragmentKey(rec *Record, sp chunk.Span) string {
	return s.chunkKey(rec, s.cfg.Geometry.At(sp.Start, rec.OneSlab).ID) + "." + strconv.FormatInt(sp.Start, 36) + "-" + strconv.FormatInt(sp.End, 36)
}

// ownerOf names the node that owns key's record, and the content in its first slab; "" if this one
// does.
func (s *Store) ownerOf(key string) string {
	if s.cfg.Remote == nil {
		return ""
	}
	return s.ownerBy(s.routingKey(key) + ".0")
}

// ownerBy names the node that owns a routing key; "" if this one does.
func (s *Store) ownerBy(routingKey string) string {
	if owner, here := s.cfg.Remote.Owner(routingKey); !here {
		return owner
	}
	return ""
}

// Owner is the name of the node that owns key's record; "" if there is but one node.
func (s *Store) Owner(key string) string {
	if s.cfg.Remote == nil {
		return ""
	}
	owner, _ := s.cfg.Remote.Owner(s.routingKey(key) + ".0")
	return owner
}

// slabOwner names the node that owns the slab of rec's content that holds off, or the whole if it
// is undivided; "" if this one does.
func (s *Store) slabOwner(rec *Record, off int64) string {
	if s.cfg.Remote == nil {
		return ""
	}
	slab := s.cfg.Geometry.At(off, rec.OneSlab).Slab
	if slab > 0 && s.undivided(rec) {
		slab = 0
	}
	return s.ownerBy(s.keyPrefixOf(rec)[len(s.chunks.Prefix()):] + strconv.FormatInt(slab, 36))
}

// ownsChunk reports whether this node owns a chunk, by its key without the group's prefix.
func (s *Store) ownsChunk(key string) bool {
	return s.cfg.Remote == nil || s.ownerBy(routingKeyOf(key)) == ""
}

// ringEpoch tells one state of who owns what from another.
func (s *Store) ringEpoch() uint64 {
	if s.cfg.Remote == nil {
		return 0
	}
	return s.cfg.Remote.RingEpoch()
}

// flightKey is the key of a request in the records group: those with the same key share an answer.
func (s *Store) flightKey(f *flight) string {
	req := f.req
	key := s.records.Prefix() + s.routingKey(req.Key) + ".0." + strconv.FormatUint(f.generation, 36) + "." + digest(req.Key, f.variant)
	if s.ownerOf(req.Key) != "" && s.isCurrent(f.prev) {
		// An owner answers at once with what it has, but not a node that has that already: one that
		// hasn't mustn't wait for it.
		key += ".validate"
	}
	if req.Head {
		key += ".head"
	}
	if req.Ranged {
		key += "." + digest(req.Header["Range"]...)
	}
	if req.Alone || req.Stored { // that nothing is stored for one says nothing of the others
		key += "." + rand.Text()
	}
	return key
}

// routingKeyOf is the part of a group's key, without its prefix, that decides on its owner: all
// before the second dot.
func routingKeyOf(key string) string {
	first := strings.IndexByte(key, '.')
	if second := strings.IndexByte(key[first+1:], '.'); second >= 0 {
		return key[:first+1+second]
	}
	return key
}
