package listen

import (
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/http2"
)

const (
	// http2Time is how long a client may take to see that it is refused.
	http2Time = 5 * time.Second
	// goAwayTime is how long it may take to send it the last frame.
	goAwayTime = 500 * time.Millisecond
	// maxFrame bounds a frame, in bytes, as long as the server announces no other bound (RFC 9113
	// section 4.2).
	maxFrame = 16 << 10
	// prefaceEnd is the end of a client's preface. net/http has read what precedes it as a request.
	prefaceEnd = "SM\r\n\r\n"
)

// refuseHTTP2 answers a client that speaks HTTP/2 by prior knowledge. Each request gets RST_STREAM
// with HTTP_1_1_REQUIRED: curl then repeats it by HTTP/1.1, which it does neither after a GOAWAY
// nor after a response in HTTP/1.1. A GOAWAY ends the connection, after which hearOut reads on.
func refuseHTTP2(c net.Conn, w http.ResponseWriter, hearOut func()) {
	_, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the connection is closed without an answer
	}
	defer c.Close()
	frames := http2.NewFramer(c, rw)
	frames.SetMaxReadFrameSize(maxFrame)
	if c.SetDeadline(time.Now().Add(http2Time)) != nil || frames.WriteSettings() != nil {
		return
	}
	rest := make([]byte, len(prefaceEnd))
	if _, err = io.ReadFull(rw, rest); err != nil || string(rest) != prefaceEnd {
		return
	}
	for err == nil {
		err = refuseFrame(frames)
	}
	if c.SetWriteDeadline(time.Now().Add(goAwayTime)) == nil &&
		frames.WriteGoAway(0, http2.ErrCodeHTTP11Required, nil) == nil {
		hearOut()
	}
}

// refuseFrame reads a frame, and answers it if HTTP/2 wants an answer.
func refuseFrame(frames *http2.Framer) error {
	frame, err := frames.ReadFrame()
	if err != nil {
		return err
	}
	switch f := frame.(type) {
	case *http2.HeadersFrame:
		return frames.WriteRSTStream(f.StreamID, http2.ErrCodeHTTP11Required)
	case *http2.SettingsFrame:
		if !f.IsAck() {
			return frames.WriteSettingsAck()
		}
	}
	return nil
}
