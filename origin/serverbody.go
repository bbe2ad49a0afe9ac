package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// serverBody is a body whose Reads wait for the limit at most. A timer runs during each Read. When
// it fires, it ends the request's context, which makes net/http's Read return. A Read whose bytes
// come at that very moment returns them, and the next one fails.
type serverBody struct {
	io.ReadCloser
	req    *http.Request   // what errors name
	ctx    context.Context // that the body is read under
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer // calls late
}

func (b *serverBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.limit)
	defer b.timer.Stop()
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if silent, ok := errors.AsType[timeoutError](context.Cause(b.ctx)); ok {
		err = silent
	}
	return n, failure("read body of ", b.req, err)
}

func (b *serverBody) late() { b.cancel(timeoutError(fmt.Sprintf("no byte for %v", b.limit))) }

// Close gives up the part of the body that hasn't been read.
func (b *serverBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// requestError names the request that failed, and what failed. It is a net.Error, like those of
// net/http.
type requestError struct {
	op  string
	err error
}

func failure(op string, req *http.Request, err error) error {
	op = fmt.Sprintf("origin: %s%s %s", op, req.Method, withoutUserinfo(req.URL))
	return &requestError{op, err}
}

func (e *requestError) Error() string   { return e.op + ": " + e.err.Error() }
func (e *requestError) Unwrap() error   { return e.err }
func (e *requestError) Timeout() bool   { return isTimeout(e.err) }
func (e *requestError) Temporary() bool { return isTimeout(e.err) }

var _ net.Error = (*requestError)(nil)

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
