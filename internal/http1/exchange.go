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
	"time"

	"github.com/scurrycache/scurry/internal/workers"
)

var errSwitched = errors.New("the server switches protocols, which no request had asked for")

// maxHeadKept is how much memory for the head of a request a connection keeps.
const maxHeadKept = 4 << 10

// exchange is one request and its response.
type exchange struct {
	req     *http.Request
	trace   *httptrace.ClientTrace
	last    bool                          // no other request is to use the connection
	timeout time.Duration                 // HeaderTimeout
	maxHead int64                         // MaxHeaderBytes
	done    func(cn *conn, reusable bool) // takes the connection back
}

// over sends the request over cn and returns the response. When its body ends, done is called; if
// there is an error, it isn't.
func (x *exchange) over(cn *conn) (*http.Response, error) {
	ctx := x.req.Context()
	stop := context.AfterFunc(ctx, cn.abort)
	if cn.requests++; cn.requests > 1 {
		cn.remember(x.req)
	}
	if x.last = x.last || x.req.Close || !cn.reusable(); x.last {
		r := *x.req
		r.Close = true
		x.req = &r
	}
	resp, err := x.send(cn)
	if err != nil {
		stop()
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	b := &body{cn: cn, ctx: ctx, stop: stop, content: resp.Body, sized: resp.ContentLength > 0,
		last: x.last || resp.Close, done: x.done}
	if resp.Body == http.NoBody {
		b.finish(true)
	} else {
		resp.Body = b
	}
	return resp, nil
}

// send writes the request and reads the head of the response. There may be one even if the request
// couldn't be written: from a server that has no room for another connection, or takes no head of
// that size.
func (x *exchange) send(cn *conn) (*http.Response, error) {
	cn.head.Reset()
	if err := x.req.Write(&cn.head); err != nil {
		return nil, err
	}
	cn.limit(x.timeout)
	cn.waitBy(workers.TaskOf(x.req.Context()))
	cn.answered, cn.quota = false, x.maxHead
	_, unsent := cn.Write(cn.head.Bytes())
	if cn.head.Cap() > maxHeadKept {
		cn.head = bytes.Buffer{}
	}
	resp, err := x.final(cn)
	cn.quota = math.MaxInt64
	cn.limit(0)
	switch {
	case err == nil:
	case IsTimeout(err):
		err = fmt.Errorf("no response for %v: %w", x.timeout, os.ErrDeadlineExceeded)
	case unsent != nil:
		err = unsent
	case cn.eof: // whatever the head looks like so far
		err = io.ErrUnexpectedEOF
	}
	return resp, err
}

// final reads interim responses, and returns the final one.
func (x *exchange) final(cn *conn) (*http.Response, error) {
	if err := cn.skipLineEnds(); err != nil {
		return nil, err
	}
	if cn.answered = true; x.trace.GotFirstResponseByte != nil {
		x.trace.GotFirstResponseByte()
	}
	for {
		resp, err := http.ReadResponse(cn.r, x.req)
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
		case x.trace.Got1xxResponse != nil:
			header := textproto.MIMEHeader(resp.Header)
			if err := x.trace.Got1xxResponse(resp.StatusCode, header); err != nil {
				return nil, err
			}
		}
	}
}
