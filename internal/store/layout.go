package store

import "strconv"

// layout is how contents are spread: over slabs, each of which has its owner, unless the origin
// refuses to give parts.
type layout struct {
	*keys
	refusals *refusals
}

// slabOwner names the node that owns the slab of rec's content that holds off, or the whole if it
// is undivided; "" if this one does.
func (l *layout) slabOwner(rec *Record, off int64) string {
	if l.Remote == nil {
		return ""
	}
	slab := l.Geometry.At(off, rec.OneSlab).Slab
	if slab > 0 && l.undivided(rec) {
		slab = 0
	}
	return l.ownerBy(l.keyPrefixOf(rec)[len(l.prefix):] + strconv.FormatInt(slab, 36))
}

// undivided reports whether the content, although it is large enough, isn't spread over the owners
// of its slabs, since its origin refuses to give parts: then the owner of the first slab answers
// for all of them.
func (l *layout) undivided(rec *Record) bool {
	return rec.refetchable() && !rec.OneSlab && l.refusals.hold(l.keyPrefixOf(rec))
}

// handsOver reports whether a body of rec that ends at pos may have been taken over there by the
// owner of the slab that begins.
func (l *layout) handsOver(rec *Record, pos int64) bool {
	return rec.refetchable() && !rec.OneSlab && pos > 0 && pos%l.Geometry.Slab == 0
}

// ownUpTo returns up to where this node owns all slabs of rec's content from off on.
func (l *layout) ownUpTo(rec *Record, off int64) int64 {
	for off < rec.Length && l.slabOwner(rec, off) == "" {
		off = l.slabEnd(rec, off)
	}
	return off
}

// slabEnd is where the slab of rec's content that holds off ends, or the content.
func (l *layout) slabEnd(rec *Record, off int64) int64 {
	if rec.OneSlab || l.undivided(rec) {
		return rec.Length
	}
	return min(rec.Length, l.Geometry.SlabEnd(off))
}

// keepsWhole reports whether rec's content, although it is spread over slabs, is read from its
// first byte whichever is wanted.
func (l *layout) keepsWhole(rec *Record) bool {
	return l.undivided(rec) && !rec.Fragments && rec.Length <= l.Memory/holdShare
}

// Streams reports whether rec's content is too large to be kept, since it couldn't be asked for
// again. Then each client gets it from the origin.
func (l *layout) Streams(rec *Record) bool {
	return !rec.refetchable() && rec.Length > l.Memory/holdShare
}

// maxGap is how many bytes ahead of a fill a reader may be to wait for it rather than start a fill
// of its own.
func (l *layout) maxGap() int64 { return window * l.Geometry.Max }
