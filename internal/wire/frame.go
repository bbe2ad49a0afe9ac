package wire

import (
	"encoding/binary"
	"fmt"
)

// A frame is a header of 12 bytes and its payload. The header, big-endian:
//
//	 0        1                 4                                  12
//	┌────────┬─────────────────┬──────────────────────────────────┐
//	│ kind   │ payload's size  │ stream, or 0                     │
//	└────────┴─────────────────┴──────────────────────────────────┘
//
// Streams are numbered upwards by the client, and no number is used again: 64 bits outlast any
// connection.
const (
	headerSize = 12
	wordSize   = 4
	maxFrame   = 64 << 10 // of a value, of content, of a detail: a stream's turn
	small      = 4 << 10  // up to here, copying is cheaper than another slice to write
	replyCost  = 64       // bytes of the window that a reply takes beyond its own
)

// maxMessage is the size of the largest message, which goes whole in one frame.
const maxMessage = 1 << 20

type kind uint8

const (
	kindRequest kind = 1 + iota // u32 window, the message
	kindReply                   // u32 size of the value + 1 (0: none), the message
	kindData                    // what follows of a reply's value, then content
	kindEnd                     // the detail
	kindAbort                   // the detail
	kindRefuse
	kindCancel
	kindCredit // u32: how many more bytes of the stream may be sent
	kindPing
	kindPong
	kindLeave

	// last is a bit of the kind: the stream ends with this frame. Where that is one of a reply or
	// of data, the client gets the end together with the last bytes, and won't cancel what has
	// ended.
	last kind = 0x80
)

// kinds says how large the payload of each kind may be, and whether a frame may end a stream.
// Payloads of a word at least begin with one.
var kinds = [...]struct {
	least, most int
	ends        bool
}{
	kindRequest: {wordSize, wordSize + maxMessage, false},
	kindReply:   {wordSize, wordSize + maxMessage, true},
	kindData:    {1, maxFrame, true},
	kindEnd:     {0, maxFrame, true},
	kindAbort:   {0, maxFrame, true},
	kindRefuse:  {0, 0, true},
	kindCancel:  {},
	kindCredit:  {wordSize, wordSize, false},
	kindPing:    {},
	kindPong:    {},
	kindLeave:   {},
}

func (k kind) hasWord() bool { return kinds[k].least == wordSize }

// header is a frame's, with the word that its payload begins with, if it has one.
type header struct {
	kind kind
	last bool
	size int // of the payload behind the word
	word uint32
	id   uint64
}

// appendHeader appends the header of a frame, and its word if frames of that kind have one.
func appendHeader(b []byte, h header) []byte {
	k, size := h.kind, h.size
	if h.last {
		k |= last
	}
	if h.kind.hasWord() {
		size += wordSize
	}
	b = binary.BigEndian.AppendUint32(b, uint32(k)<<24|uint32(size))
	b = binary.BigEndian.AppendUint64(b, h.id)
	if h.kind.hasWord() {
		b = binary.BigEndian.AppendUint32(b, h.word)
	}
	return b
}

// parseHeader also checks the size, so that the frame's handler can rely on it. The word is still
// to be read.
func parseHeader(b []byte) (header, error) {
	first := binary.BigEndian.Uint32(b)
	k := kind(first >> 24)
	h := header{
		kind: k &^ last,
		last: k&last != 0,
		size: int(first & 0xffffff),
		id:   binary.BigEndian.Uint64(b[4:]),
	}
	if h.kind == 0 || int(h.kind) >= len(kinds) {
		return h, fmt.Errorf("%w: frame of kind %d", ErrProtocol, k)
	}
	if is := kinds[h.kind]; h.size < is.least || h.size > is.most || h.last && !is.ends {
		return h, fmt.Errorf("%w: frame of kind %d and size %d", ErrProtocol, k, h.size)
	}
	return h, nil
}
