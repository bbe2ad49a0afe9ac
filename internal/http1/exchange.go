package http1

import (
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
	errTooLarge = errors.New("the response's head is too large")
	errSwitched = errors.New("the server switches protocols, which no request had asked for")
)

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// exchange sends req over n and returns the response, whose body gives n back to the client.
func (n *conn) exchange(req *http.Request, trace *httptrace.ClientTrace) (*http.Response, error) {
	ctx := req.Context()
	stop := context.AfterFunc(ctx, n.end)
	if n.requests++; n.requests > 1 {
		n.remember(req)
	}
	last := !n.reusable() || !n.client.Trusted()
	resp, err := n.send(req, last, trace)
	if err != nil {
		stop()
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	b := &body{n: n, ctx: ctx, stop: stop, content: resp.Body, sized: resp.ContentLength > 0,
		last: last || resp.Close}
	if resp.Body == http.NoBody {
		b.finish(true)
	} else {
		resp.Body = b
	}
	return resp, nil
}

// remember notes the URL of req, for what Client.Unsolicited is told.
func (n *conn) remember(req *http.Request) {
	u := *req.URL
	u.User, u.Opaque = nil, ""
	n.urls = append(n.urls, u.String())
	n.urlBytes += len(n.urls[len(n.urls)-1])
}

// send writes req and reads the head of its response. There may be one even if req couldn't be
// written: from a server that has no room for another connection, say.
func (n *conn) send(req *http.Request, last bool, trace *httptrace.ClientTrace,
) (*http.Response, error) {
	if last {
		r := *req
		r.Close = true
		req = &r
	}
	n.limit(n.client.HeaderTimeout)
	n.answered, n.room = false, n.client.MaxHeaderBytes
	if err := req.Write(n.w); err != nil { // it can't be written, or is long
		return nil, err
	}
	unsent := n.w.Flush()
	resp, err := n.final(req, trace)
	n.room = math.MaxInt64
	n.limit(0)
	switch {
	case err == nil:
	case isTimeout(err):
		err = fmt.Errorf("no response for %v: %w", n.client.HeaderTimeout, os.ErrDeadlineExceeded)
	case unsent != nil:
		err = unsent
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return resp, err
}

// final reads interim responses to req, and returns the final one.
func (n *conn) final(req *http.Request, trace *httptrace.ClientTrace) (*http.Response, error) {
	if err := n.skipLineEnds(); err != nil {
		return nil, err
	}
	if n.answered = true; trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
	for {
		resp, err := http.ReadResponse(n.r, req)
		switch {
		case err != nil:
			return nil, err
		case resp.StatusCode == http.StatusSwitchingProtocols:
			return nil, errSwitched
		case resp.StatusCode/100 != 1:
			if secure, ok := n.Conn.(*tls.Conn); ok {
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
