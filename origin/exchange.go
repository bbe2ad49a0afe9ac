package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/http1"
	"github.com/scurrycache/scurry/internal/workers"
)

// epoch is a moment to count from.
var epoch = time.Now()

// exchange is one request to a server, and the body of its response.
//
// Reads of the body wait for BodyTimeout at most. A timer runs during each Read. When it fires, it
// ends the request's context, which makes the transport's Read return. A Read whose bytes come at
// that very moment returns them, and the next one fails. A timer that fires late, since this
// process stood still, is started again.
type exchange struct {
	req    *http.Request
	ctx    context.Context // that the request is sent and the body read under
	cancel context.CancelCauseFunc

	waiting atomic.Bool // there is a connection, and nothing has come over it
	step    time.Duration
	since   atomic.Int64 // when x began to connect, or to wait for the head, from epoch

	io.ReadCloser               // the transport's body
	limit         time.Duration // of a Read
	timer         *time.Timer   // calls late
	due           atomic.Int64  // when the timer is to fire, from epoch; 0 if no Read waits
}

// traced returns x's context, which has the transport inform x.
func (x *exchange) traced() context.Context {
	return httptrace.WithClientTrace(x.ctx, &httptrace.ClientTrace{
		GetConn:              func(string) { x.begin(false) },
		GotConn:              func(httptrace.GotConnInfo) { x.begin(true) },
		GotFirstResponseByte: func() { x.waiting.Store(false) },
	})
}

// begin notes that x waits for a connection, or over one.
func (x *exchange) begin(connected bool) {
	x.since.Store(int64(time.Since(epoch)))
	x.waiting.Store(connected)
}

// send is next.RoundTrip with the one retry that Server.RoundTrip's comment describes. A transport
// itself tries again when a connection that was idle breaks, but not when a connection breaks that
// it made for this request.
func (x *exchange) send(next http.RoundTripper, req *http.Request) (*http.Response, error) {
	if _, ok := next.(*http1.Client); !ok {
		workers.TaskOf(req.Context()).Detach()
	}
	resp, err := next.RoundTrip(req)
	if err == nil {
		return resp, nil
	}
	again := x.waiting.Load()
	if http1.IsTimeout(err) {
		took := time.Since(epoch) - time.Duration(x.since.Load())
		again = took > x.step+http1.Standstill
	}
	if again && x.ctx.Err() == nil && repeatable(req) {
		return next.RoundTrip(req)
	}
	return nil, err
}

func repeatable(req *http.Request) bool {
	reads := req.Method == http.MethodGet || req.Method == http.MethodHead || req.Method == ""
	return reads && !hasBody(req)
}

// follow makes x the body of resp.
func (x *exchange) follow(resp *http.Response) {
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		// The body is a connection of another protocol, which is written to as well; the context of
		// x.req ends it.
	case resp.Body == nil || resp.Body == http.NoBody:
		x.cancel(nil)
		resp.Body = http.NoBody
	default:
		x.timer = time.AfterFunc(math.MaxInt64, x.late)
		x.timer.Stop() // Read starts it
		x.ReadCloser, resp.Body = resp.Body, x
	}
}

// Ready reports whether the next Read certainly returns at once. It is for the goroutine that
// reads.
func (x *exchange) Ready() bool {
	body, ok := x.ReadCloser.(interface{ Ready() bool })
	return ok && body.Ready()
}

// late ends x, unless no Read waits any more, or has begun anew, or the timer has fired late.
func (x *exchange) late() {
	due, now := x.due.Load(), int64(time.Since(epoch))
	switch {
	case due == 0 || now < due:
	case now-due > int64(http1.Standstill):
		if x.due.CompareAndSwap(due, now+int64(x.limit)) {
			x.timer.Reset(x.limit)
		}
	default:
		x.cancel(timeoutError(fmt.Sprintf("no byte for %v", x.limit)))
	}
}

// Read reads the body.
func (x *exchange) Read(p []byte) (int, error) {
	waits := !x.Ready()
	if waits {
		x.due.Store(int64(time.Since(epoch) + x.limit))
		x.timer.Reset(x.limit)
	}
	n, err := x.ReadCloser.Read(p)
	if waits {
		x.due.Store(0)
		x.timer.Stop()
	}
	if err == nil || err == io.EOF {
		return n, err
	}
	if late, ok := errors.AsType[timeoutError](context.Cause(x.ctx)); ok {
		err = late
	}
	return n, x.failure("read body of ", err)
}

// Close gives up the part of the body that hasn't been read.
func (x *exchange) Close() error {
	err := x.ReadCloser.Close()
	x.cancel(nil)
	return err
}

// failure returns an error that names what failed, and the request.
func (x *exchange) failure(op string, err error) error {
	return &requestError{
		"origin: " + op + x.req.Method + " " + withoutUserinfo(x.req.URL).String(), err,
	}
}

// requestError is a net.Error, like those of net/http.
type requestError struct {
	op  string
	err error
}

func (e *requestError) Error() string   { return e.op + ": " + e.err.Error() }
func (e *requestError) Unwrap() error   { return e.err }
func (e *requestError) Timeout() bool   { return http1.IsTimeout(e.err) }
func (e *requestError) Temporary() bool { return http1.IsTimeout(e.err) }

var _ net.Error = (*requestError)(nil)
