package listen

import (
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"time"
)

// HTTP/2 as far as it takes to refuse it (RFC 9113): types of frames, the length of their head, and
// an error's code.
const (
	frameHead                                            = 9
	frameHeaders, frameReset, frameSettings, frameGoAway = 1, 3, 4, 7
	flagAck                                              = 1
	maxFrame                                             = 16 << 10 // unless told otherwise
	http11Required                                       = 13
)

// http2Time is how long a client may take to see that it is refused.
const http2Time = 5 * time.Second

// prefaceEnd is the end of a client's preface, which net/http leaves.
const prefaceEnd = "SM\r\n\r\n"

var errFrame = errors.New("a malformed frame")

// refuseHTTP2 answers a client that speaks HTTP/2 without having asked. Each request gets
// RST_STREAM with HTTP_1_1_REQUIRED: curl then asks once more by HTTP/1.1, which it doesn't after a
// GOAWAY, let alone after an answer in HTTP/1.1. A GOAWAY ends the connection.
func refuseHTTP2(c *conn, w http.ResponseWriter) {
	_, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // then it is closed without a word
	}
	defer c.Close()
	if c.SetDeadline(time.Now().Add(http2Time)) != nil || send(c, frameSettings, 0, 0) != nil {
		return
	}
	if rest := make([]byte, len(prefaceEnd)); !reads(rw, rest) || string(rest) != prefaceEnd {
		return
	}
	for err == nil {
		err = refuseFrame(c, rw)
	}
	if c.SetWriteDeadline(time.Now().Add(linger)) != nil {
		return
	}
	if send(c, frameGoAway, 0, 0, 0, http11Required) == nil {
		c.hearOut()
	}
}

// refuseFrame reads a frame from r and answers it, if it wants an answer.
func refuseFrame(w io.Writer, r io.Reader) error {
	head := make([]byte, frameHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(head) >> 8
	if length > maxFrame {
		return errFrame
	}
	if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
		return err
	}
	stream := binary.BigEndian.Uint32(head[5:])
	switch kind, flags := head[3], head[4]; {
	case kind == frameHeaders:
		return send(w, frameReset, 0, stream, http11Required)
	case kind == frameSettings && flags&flagAck == 0:
		return send(w, frameSettings, flagAck, 0)
	}
	return nil
}

// send writes a frame whose payload is numbers of 32 bits.
func send(w io.Writer, kind, flags byte, stream uint32, payload ...uint32) error {
	frame := binary.BigEndian.AppendUint32(nil, uint32(4*len(payload))<<8|uint32(kind))
	frame = binary.BigEndian.AppendUint32(append(frame, flags), stream)
	for _, n := range payload {
		frame = binary.BigEndian.AppendUint32(frame, n)
	}
	_, err := w.Write(frame)
	return err
}

func reads(r io.Reader, p []byte) bool {
	_, err := io.ReadFull(r, p)
	return err == nil
}
