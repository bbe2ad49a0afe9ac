package store

import (
	"math"
	"strconv"
)

// Contents are spread over slabs, each of which has its owner, unless the origin refuses to give
// parts.

// slabOwner names the node that owns the slab of rec's content with the byte at off, or all of the
// content if it is undivided. It is "" if this node does.
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

// undivided reports whether a content that is large enough for several slabs isn't spread over
// their owners, since its origin refuses to give parts. Then the owner of the first slab answers
// for all of them.
func (k *keys) undivided(rec *Record) bool {
	return rec.refetchable() && !rec.OneSlab && k.refusals.hold(k.keyPrefixOf(rec))
}

// ownUpTo returns the offset up to which this node owns all slabs of rec's content from off on.
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

// keepsWhole reports whether rec's content, although it has several slabs, is read from its first
// byte on, whichever byte is wanted.
func (k *keys) keepsWhole(rec *Record) bool {
	return k.undivided(rec) && !rec.Fragments && rec.Length <= k.Memory/holdShare
}

// Streams reports whether rec's content is too large to be kept: larger than any may be, or than
// what is held of one that can't be asked for again. Then each client gets it from the origin.
func (k *keys) Streams(rec *Record) bool {
	return rec.Length > k.maxObject() || !rec.refetchable() && rec.Length > k.Memory/holdShare
}

// mostRead is how much is held of a content that may yet turn out to be larger than any that is
// kept: the chunk in which it does.
func (k *keys) mostRead() int64 {
	if k.MaxObject > 0 {
		return k.Geometry.At(k.MaxObject, true).End
	}
	return math.MaxInt64
}

// maxObject is the largest content that is kept.
func (k *keys) maxObject() int64 {
	if k.MaxObject > 0 {
		return k.MaxObject
	}
	return math.MaxInt64
}

// maxGap is how many bytes ahead of a fill a reader may be if it is to wait for that fill rather
// than start one of its own.
func (k *keys) maxGap() int64 { return window * k.Geometry.Max }
