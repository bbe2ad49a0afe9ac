package store

// A content of a few bytes is held in its record. As a chunk it would take several times its
// length: groupcache spends some 180 bytes on each.

// maxSmall is the largest content that is held in its record.
const maxSmall = 512

// smallContent returns a copy of b, a whole content, for records to hold instead of chunks. It
// returns nil if b isn't small.
func smallContent(b []byte) *[]byte {
	if len(b) == 0 || len(b) > maxSmall {
		return nil
	}
	b = append([]byte(nil), b...)
	return &b
}

// content is the content of r, if r holds it.
func (r *Record) content() []byte {
	if r.small == nil {
		return nil
	}
	return *r.small
}

// inherit has r hold the content that old holds, if both have the same bytes. old is stored under
// the same key. So all variants that share a version hold its content, or none does.
func (r *Record) inherit(old *Record) {
	if r.small == nil && r.sameBytes(old) {
		r.small = old.small
	}
}
