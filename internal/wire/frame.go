package wire

import (
	"encoding/binary"
	"fmt"
)

// A frame is a header of 12 bytes and its payload. The header, big-endian:
//
//	 0        1                 4                                  12
//	┌────────┬─────────────────┬──────────────────────────────────┐
//	│ kind   │ payload's size  │ stream, or number of a ping/pong │
//	└────────┴─────────────────┴──────────────────────────────────┘
//
// Streams are numbered upwards by the client, and no number is used again: 64 bits outlast any
// connection.
const (
	headerSize = 12
	leadSize   = 8        // what a request's or a message's payload begins with
	maxFrame   = 64 << 10 // of what else is in a payload: a stream's turn
	small      = 4 << 10  // up to here, copying is cheaper than another slice to write
	replyCost  = 64       // bytes of the window that a reply takes beyond its own
)

type kind uint8

const (
	kindRequest kind = 1 + iota // u32 size of the message, u32 window, the message's first bytes
	kindAck                     // the request has come, as any other frame of the stream means, too
	// u32 size of the message, u32 size of the value + 1 (0: none), bytes
	kindMessage
	kindMore   // what follows of a request, or of a message and its value
	kindData   // content
	kindEnd    // the detail
	kindAbort  // the detail
	kindRefuse // one byte: why
	kindCancel
	kindCredit // u32: how many more bytes of the stream may be sent
	kindPing
	kindPong
	kindLeave

	// last is a bit of the kind: the stream ends with this frame, without detail. The client then
	// gets the end together with the last bytes, and won't cancel what has ended.
	last kind = 0x80
)

// Why a request is refused.
const (
	refuseOverloaded = 1 + iota
	refuseTooLarge
)

type header struct {
	kind kind
	last bool
	size int
	id   uint64
}

func appendHeader(b []byte, k kind, size int, id uint64) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(k)<<24|uint32(size))
	return binary.BigEndian.AppendUint64(b, id)
}

// parseHeader also checks the size, so that the frame's handler can rely on it.
func parseHeader(b []byte) (header, error) {
	first := binary.BigEndian.Uint32(b)
	h := header{
		kind: kind(first>>24) &^ last,
		last: kind(first>>24)&last != 0,
		size: int(first & 0xffffff),
		id:   binary.BigEndian.Uint64(b[4:]),
	}
	least, most := 0, 0
	ends := false
	switch h.kind {
	case kindRequest:
		least, most = leadSize, leadSize+maxFrame
	case kindMessage:
		least, most, ends = leadSize, leadSize+maxFrame, true
	case kindMore, kindData:
		least, most, ends = 1, maxFrame, true
	case kindEnd, kindAbort:
		most = maxFrame
	case kindRefuse:
		least, most = 1, 1
	case kindCredit:
		least, most = 4, 4
	case kindAck, kindCancel, kindPing, kindPong, kindLeave:
	default:
		return h, fmt.Errorf("%w: frame of kind %d", ErrProtocol, first>>24)
	}
	if h.size < least || h.size > most || (h.last && !ends) {
		return h, fmt.Errorf("%w: frame of kind %d and size %d", ErrProtocol, first>>24, h.size)
	}
	return h, nil
}
