package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/invalidation"
)

// Keys of groups consist of letters, digits, '-', '_' and '.', so that they need no escaping
// anywhere.

// keys names what is stored, and tells which node owns it.
type keys struct {
	*Config
	prefix   string // of the chunks group
	refusals refusals
}

// canonical returns key's canonical form.
func (k *keys) canonical(key string) string { return k.Keys.CanonicalKey(key) }

// digest is a short name for parts: 132 bits of SHA-256, under which no two lists of parts collide
// in practice.
func digest(parts ...string) string {
	b := make([]byte, 0, 512)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	var name [43]byte // in base64
	base64.RawURLEncoding.Encode(name[:], sum[:])
	return string(name[:22])
}

// version names rec's bytes. With a strong validator and a known length it is a function of what
// all nodes know, otherwise it is random. The length and the content coding are parts of it,
// because some origins change them without changing the validator.
func (k *keys) version(rec *Record, validator string, mark invalidation.Mark) string {
	if validator == "" || rec.Length < 0 {
		return rand.Text()[:22]
	}
	g := k.Geometry
	parts := []string{rec.Key, validator, rec.Variant, rec.Head.Get("Content-Encoding"),
		strconv.FormatBool(rec.OneSlab)}
	for _, n := range []int64{int64(rec.Status), rec.Length, int64(mark), g.First, g.Max, g.Slab} {
		parts = append(parts, strconv.FormatInt(n, 36))
	}
	return digest(parts...)
}

// keyPrefix is what the keys of all chunks under a cache key begin with.
func (k *keys) keyPrefix(key string) string { return k.prefix + k.routingKey(key) + "." }

// keyPrefixOf is keyPrefix of rec's key.
func (k *keys) keyPrefixOf(rec *Record) string {
	if rec.first == "" {
		return k.keyPrefix(rec.Key)
	}
	return rec.first[:len(rec.first)-len("0.")-len(rec.Version)-len(".0")]
}

// routingKey is a short name for the part of a cache key that decides on its owner.
func (k *keys) routingKey(key string) string { return digest(k.canonical(key)) }

var firstChunk = chunk.ID{}

// name gives rec the key of its first chunk. The version is a part of that, and takes no memory of
// its own from then on.
func (k *keys) name(rec *Record) {
	rec.first = ""
	rec.first = k.chunkKey(rec, firstChunk)
	end := len(rec.first) - len(".0")
	rec.Version = rec.first[end-len(rec.Version) : end]
}

// chunkKey is the key of one chunk in the chunks group. The routing key, which decides on its
// owner, is the part up to the slab's number.
func (k *keys) chunkKey(rec *Record, id chunk.ID) string {
	if id == (chunk.ID{}) && rec.first != "" {
		return rec.first
	}
	b := make([]byte, 0, 80)
	b = append(b, k.keyPrefixOf(rec)...)
	b = strconv.AppendInt(b, id.Slab, 36)
	b = append(b, '.')
	b = append(b, rec.Version...)
	b = append(b, '.')
	b = strconv.AppendInt(b, id.Index, 36)
	return string(b)
}

// fragmentKey is the key of a fragment of a chunk. It has the same routing key as the chunk.
func (k *keys) fragmentKey(rec *Record, sp chunk.Span) string {
	return k.chunkKey(rec, k.Geometry.At(sp.Start, rec.OneSlab).ID) + "." +
		strconv.FormatInt(sp.Start, 36) + "-" + strconv.FormatInt(sp.End, 36)
}

// ownerOf names the node that owns key's record and the first slab of its content, or is "" if this
// node does.
func (k *keys) ownerOf(key string) string {
	if k.Remote == nil {
		return ""
	}
	return k.ownerBy(k.route(key))
}

// route is the routing key of key's record, and of the first slab of its content.
func (k *keys) route(key string) string { return k.routingKey(key) + ".0" }

// ownerBy names the node that owns a routing key, or is "" if this node does.
func (k *keys) ownerBy(routingKey string) string {
	if k.Remote == nil {
		return ""
	}
	if owner, here := k.Remote.Owner(routingKey); !here {
		return owner
	}
	return ""
}

// Owner is the name of the node that owns key's record, or "" if there is only one node.
func (k *keys) Owner(key string) (owner string) {
	if k.Remote != nil {
		owner, _ = k.Remote.Owner(k.route(key))
	}
	return owner
}

// ownsChunk reports whether this node owns a chunk, by its key without the group's prefix.
func (k *keys) ownsChunk(key string) bool {
	return k.ownerBy(routingKeyOf(key)) == ""
}

// RingEpoch counts the changes of the ring, which says who owns what.
func (k *keys) RingEpoch() uint64 {
	if k.Remote == nil {
		return 0
	}
	return k.Remote.RingEpoch()
}

// routingKeyOf is the routing key in a group's key, which is without its prefix: all before the
// second dot.
func routingKeyOf(key string) string {
	first := strings.IndexByte(key, '.')
	if second := strings.IndexByte(key[first+1:], '.'); second >= 0 {
		return key[:first+1+second]
	}
	return key
}

// unversioned returns what a chunk's key, which is without the group's prefix, has before and after
// its version.
func unversioned(key string) (before, after string) {
	before = routingKeyOf(key)
	_, after, _ = strings.Cut(key[min(len(key), len(before)+1):], ".")
	return before, after
}
