package origin

import "encoding/binary"

// tlsRecords follows the records of TLS in a stream of bytes (RFC 8446 section 5.1).
type tlsRecords struct {
	header [5]byte
	have   int // bytes of header
	left   int // bytes that the record's content still lacks
}

// within reports whether the last record is incomplete.
func (t *tlsRecords) within() bool { return t.have > 0 || t.left > 0 }

// advance follows the records in b, which has come next.
func (t *tlsRecords) advance(b []byte) {
	for len(b) > 0 {
		n := min(t.left, len(b))
		t.left, b = t.left-n, b[n:]
		if len(b) == 0 {
			return
		}
		n = copy(t.header[t.have:], b)
		t.have, b = t.have+n, b[n:]
		if t.have == len(t.header) {
			t.left, t.have = int(binary.BigEndian.Uint16(t.header[3:])), 0
		}
	}
}
