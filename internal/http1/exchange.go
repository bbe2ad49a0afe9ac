package http1

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
)

var (
	errTooLarge = errors.New("the response's head is larger than MaxHeaderBytes allows")
	errSwitched = errors.New("the server switches protocols, which no request had asked for")
)

// maxHeadKept is how much memory for the head of a request a connection keeps.
const maxHeadKept = 4 << 10

// IsTimeout reports whether err is a timeout.
func IsTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// exchange sends req over cn and returns the response, whose body gives cn back to the client.
func (cn *conn) exchange(req *http.Request, trace *httptrace.ClientTrace) (*http.Response, error) {
	ctx := req.Context()
	stop := context.AfterFunc(ctx, cn.abort)
	if cn.requests++; cn.requests > 1 {
		cn.remember(req)
	}
	last := req.Close || !cn.reusable() || !cn.client.Trusted()
	resp, err := cn.send(req, last, trace)
	if err != nil {
		stop()
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	b := &body{cn: cn, ctx: ctx, stop: stop, content: resp.Body, sized: resp.ContentLength > 0,
		last: last || resp.Close}
	if resp.Body == http.NoBody {
		b.finish(true)
	} else {
		resp.Body = b
	}
	return resp, nil
}

// remember notes the URL of req, for Client.Unsolicited.
func (cn *conn) remember(req *http.Request) {
	u := *req.URL
	u.User, u.Opaque = nil, ""
	url := u.String()
	cn.urls = append(cn.urls, url)
	cn.urlBytes += len(url)
}

// send writes req and reads the head of its response. There may be one even if req couldn't be
// written: from a server that has no room for another connection, or takes no head of that size.
func (cn *conn) send(req *http.Request, last bool, trace *httptrace.ClientTrace,
) (*http.Response, error) {
	if last {
		r := *req
		r.Close = true
		req = &r
	}
	cn.head.Reset()
	if err := req.Write(&cn.head); err != nil {
		return nil, err
	}
	cn.limit(cn.client.HeaderTimeout)
	cn.answered, cn.quota = false, cn.client.MaxHeaderBytes
	_, unsent := cn.Write(cn.head.Bytes())
	if cn.head.Cap() > maxHeadKept {
		cn.head = bytes.Buffer{}
	}
	resp, err := cn.final(req, trace)
	cn.quota = math.MaxInt64
	cn.limit(0)
	switch {
	case err == nil:
	case IsTimeout(err):
		err = fmt.Errorf("no response for %v: %w", cn.client.HeaderTimeout, os.ErrDeadlineExceeded)
	case unsent != nil:
		err = unsent
	case cn.eof: // whatever the head looks like so far
		err = io.ErrUnexpectedEOF
	}
	return resp, err
}

// final reads interim responses to req, and returns the final one.
func (cn *conn) final(req *http.Request, trace *httptrace.ClientTrace) (*http.Response, error) {
	if err := cn.skipLineEnds(); err != nil {
		return nil, err
	}
	if cn.answered = true; trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
	for {
		resp, err := http.ReadResponse(cn.r, req)
		switch {
		case err != nil:
			return nil, err
		case resp.StatusCode == http.StatusSwitchingProtocols:
			return nil, errSwitched
		case resp.StatusCode/100 != 1:
			if secure, ok := cn.Conn.(*tls.Conn); ok {
				state := secure.ConnectionState()
				resp.TLS = &state
			}
			return resp, nil
		case trace.Got1xxResponse != nil:
			header := textproto.MIMEHeader(resp.Header)
			if err := trace.Got1xxResponse(resp.StatusCode, header); err != nil {
				return nil, err
			}
		}
	}
}
