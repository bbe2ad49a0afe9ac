package peer

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/golang/groupcache/consistenthash"
)

// points is how many points on the ring a node has. With so many, and a hash that mixes well, the
// nodes' shares stay within 15 % of each other.
const points = 512

// ring says which of the live nodes owns a routing key. It is never changed; a new one takes its
// place.
type ring struct {
	epoch uint64 // how many rings there were before
	self  string
	since time.Time
	names []string // sorted
	hash  *consistenthash.Map
	peers map[string]*Peer // all but this node
}

// newRing makes a ring of the node self and of peers. The names are sorted because, where two
// points collide, the node that was added last has both.
func newRing(self string, peers map[string]*Peer) *ring {
	r := &ring{self: self, names: append(slices.Collect(maps.Keys(peers)), self), peers: peers}
	slices.Sort(r.names)
	each := points
	if len(r.names) == 1 {
		each = 1 // which owns everything
	}
	r.hash = consistenthash.New(each, mixed)
	r.hash.Add(r.names...)
	return r
}

// mixed is the first bytes of SHA-256. CRC-32, which is the library's own choice, leaves one of
// five nodes on consecutive ports with more than twice its share, and FNV-1a one of fifty with a
// third too much.
func mixed(b []byte) uint32 {
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint32(sum[:])
}
