package wire

import (
	"encoding/binary"
	"fmt"
)

// A frame is a header of 16 bytes and its payload. The header, big-endian:
//
//	 0        1                 4                    12               16
//	┌────────┬─────────────────┬────────────────────┬────────────────┐
//	│ kind   │ payload's size  │ stream, or 0       │ number, or 0   │
//	└────────┴─────────────────┴────────────────────┴────────────────┘
//
// Streams are numbered upwards by the client, and no number is used again: 64 bits outlast any
// connection.
const (
	headerSize = 16
	maxMessage = 1 << 20   // which goes whole in one frame
	maxFrame   = 256 << 10 // of a value, of content: a stream's turn
	maxDetail  = 64 << 10
	small      = 4 << 10 // up to here, copying is cheaper than another slice to write
	replyCost  = 64      // bytes of the window that a reply takes beyond its own
)

type kind uint8

const (
	kindRequest kind = 1 + iota // the message; the number is the window
	kindReply                   // the message; the number is the size of the value + 1 (0: none)
	kindData                    // a reply's value, unless it went with the message; then content
	kindEnd                     // the detail
	kindAbort                   // the detail
	kindRefuse
	kindCancel
	kindCredit // the number is how many more bytes of the stream may be sent
	kindPing
	kindPong
	kindLeave

	// last is a bit of the kind: the stream ends with this frame. Where that is one of a reply or
	// of data, the client gets the end together with the last bytes, and won't cancel what has
	// ended.
	last kind = 0x80
)

// kinds says how large the payload of each kind may be, and whether a frame may end a stream. Those
// that aren't listed have none, and end none.
var kinds = [kindLeave + 1]struct {
	least, most int
	ends        bool
}{
	kindRequest: {0, maxMessage, false},
	kindReply:   {0, maxMessage + small, true},
	kindData:    {1, maxFrame, true},
	kindEnd:     {0, maxDetail, true},
	kindAbort:   {0, maxDetail, true},
	kindRefuse:  {ends: true},
}

type header struct {
	kind   kind
	last   bool
	size   int
	id     uint64
	number int
}

// withValue reports whether a reply's value is behind the message, in the same frame.
func (h header) withValue() bool { return h.kind == kindReply && h.number > 1 && h.number <= small }

func appendHeader(b []byte, h header) []byte {
	k := h.kind
	if h.last {
		k |= last
	}
	b = binary.BigEndian.AppendUint32(b, uint32(k)<<24|uint32(h.size))
	b = binary.BigEndian.AppendUint64(b, h.id)
	return binary.BigEndian.AppendUint32(b, uint32(h.number))
}

// parseHeader also checks the sizes, so that the frame's handler can rely on them.
func parseHeader(b []byte) (header, error) {
	first := binary.BigEndian.Uint32(b)
	k := kind(first >> 24)
	h := header{
		kind:   k &^ last,
		last:   k&last != 0,
		size:   int(first & 0xffffff),
		id:     binary.BigEndian.Uint64(b[4:]),
		number: int(int32(binary.BigEndian.Uint32(b[12:]))),
	}
	if h.kind == 0 || int(h.kind) >= len(kinds) {
		return h, fmt.Errorf("%w: frame of kind %d", ErrProtocol, k)
	}
	is := kinds[h.kind]
	if h.size < is.least || h.size > is.most || h.number < 0 || h.last && !is.ends {
		return h, fmt.Errorf("%w: frame of kind %d, size %d and number %d", ErrProtocol, k, h.size,
			h.number)
	}
	return h, nil
}
