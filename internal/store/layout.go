package store

import "strconv"

// Contents are spread over slabs, each of which has its owner, unless the origin refuses to give
// parts.

// slabOwner names the node that owns the slab of rec's content that holds off, or the whole if it
// is undivided; "" if this one does.
func (k *keys) slabOwner(rec *Record, off int64) string {
	if k.Remote == nil {
		return ""
	}
	slab := k.Geometry.At(off, rec.OneSlab).Slab
	if slab > 0 && k.undivided(rec) {
		slab = 0
	}
	return k.ownerBy(k.keyPrefixOf(rec)[len(k.prefix):] + strconv.FormatInt(slab, 36))
}

// undivided reports whether the content, although it is large enough, isn't spread over the owners
// of its slabs, since its origin refuses to give parts: then the owner of the first slab answers
// for all of them.
func (k *keys) undivided(rec *Record) bool {
	return rec.refetchable() && !rec.OneSlab && k.refusals.hold(k.keyPrefixOf(rec))
}

// handsOver reports whether a body of rec that ends at pos may have been taken over there by the
// owner of the slab that begins.
func (k *keys) handsOver(rec *Record, pos int64) bool {
	return rec.refetchable() && !rec.OneSlab && pos > 0 && pos%k.Geometry.Slab == 0
}

// ownUpTo returns up to where this node owns all slabs of rec's content from off on.
func (k *keys) ownUpTo(rec *Record, off int64) int64 {
	for off < rec.Length && k.slabOwner(rec, off) == "" {
		off = k.slabEnd(rec, off)
	}
	return off
}

// slabEnd is where the slab of rec's content that holds off ends, or the content.
func (k *keys) slabEnd(rec *Record, off int64) int64 {
	if rec.OneSlab || k.undivided(rec) {
		return rec.Length
	}
	return min(rec.Length, k.Geometry.SlabEnd(off))
}

// keepsWhole reports whether rec's content, although it is spread over slabs, is read from its
// first byte whichever is wanted.
func (k *keys) keepsWhole(rec *Record) bool {
	return k.undivided(rec) && !rec.Fragments && rec.Length <= k.Memory/holdShare
}

// Streams reports whether rec's content is too large to be kept, since it couldn't be asked for
// again. Then each client gets it from the origin.
func (k *keys) Streams(rec *Record) bool {
	return !rec.refetchable() && rec.Length > k.Memory/holdShare
}

// maxGap is how many bytes ahead of a fill a reader may be to wait for it rather than start a fill
// of its own.
func (k *keys) maxGap() int64 { return window * k.Geometry.Max }
