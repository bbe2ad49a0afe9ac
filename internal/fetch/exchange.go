package fetch

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/trace"
	"github.com/scurrycache/scurry/internal/workers"
)

// do sends req, for which a slot has been taken, under ctx, and counts and traces it. When it has
// ended, do writes one line of log about it, with the reason and the cause. The response is one
// that the origin may give to it, and has waited for the first bytes of its body: Broken tells
// whether that has broken off already.
func (o *Origin) do(
	ctx context.Context, req *http.Request, reason string, cause store.Cause,
) (*http.Response, error) {
	o.requests.Add(1)
	o.inFlight.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	span := cause.Span.Call(req.Method)
	span.Inject(req.Header)
	req = req.WithContext(span.In(ctx))
	x := &exchange{o: o, req: req, reason: reason, id: cause.ID, span: span, cancel: cancel,
		start: time.Now()}
	resp, err := x.roundTrip()
	if err == nil {
		x.status, x.head = resp.StatusCode, time.Since(x.start)
		o.first.Observe(x.head)
		err = acceptable(req, resp)
	}
	o.note(err)
	switch {
	case err != nil:
		x.end(err)
		cancel()
		return nil, err
	case resp.StatusCode == http.StatusSwitchingProtocols:
		// The body is a connection of the other protocol, which is written to as well.
		x.end(nil)
		return resp, nil
	}
	return x.open(resp), nil
}

// roundTrip sends x's request. A slot is given back even if the origin panics.
func (x *exchange) roundTrip() (resp *http.Response, err error) {
	returned := false
	defer func() {
		if !returned {
			x.o.slots.give()
		}
	}()
	if _, ok := x.o.Config.Origin.(interface{ AwaitsByTask() }); !ok {
		workers.TaskOf(x.req.Context()).Detach()
	}
	resp, err = x.o.Config.Origin.RoundTrip(x.req)
	returned = true
	return resp, err
}

// open returns a copy of resp with x as its body. It waits a moment for the first bytes of the
// body. The transport may change its Response until the body has ended, so the result is a copy.
func (x *exchange) open(resp *http.Response) *http.Response {
	out := *resp
	x.ReadCloser = resp.Body
	out.Request, out.Body, out.Trailer = x.req, x, maps.Clone(resp.Trailer)
	if resp.Body != http.NoBody {
		peeked := fill.Peek(x, x.cancel, workers.TaskOf(x.req.Context()).Detach)
		out.Body = &openBody{peeked, x, &out, resp}
	}
	return &out
}

// openBody is the body of the response to, a copy of from. Its first bytes have been waited for.
type openBody struct {
	*fill.Peeked
	exchange *exchange
	to, from *http.Response
}

func (b *openBody) Read(p []byte) (int, error) {
	n, err := b.Peeked.Read(p)
	if err == io.EOF {
		b.to.Trailer = b.from.Trailer
	}
	return n, err
}

// Broken returns the error of a response's body that has broken off before any of it was used, or
// nil.
func Broken(body io.Reader) error {
	if b, ok := body.(*openBody); ok {
		return b.Broken()
	}
	return nil
}

// exchange is one request to the origin and the body of the response.
type exchange struct {
	io.ReadCloser
	o      *Origin
	req    *http.Request
	reason string             // as in request
	id     string             // of the client's request
	span   *trace.Span        // nil if it isn't traced
	cancel context.CancelFunc // ends the request
	start  time.Time
	head   time.Duration
	status int
	bytes  int64
	err    error // of a Read
	unfit  error // why the response can't be used
	once   sync.Once
}

// Refuse closes the body of a response of the origin's that can't be used. Its exchange is counted
// and logged as one that has failed, with why.
func Refuse(body io.Closer, why error) {
	x, ok := body.(*exchange)
	if b, is := body.(*openBody); is {
		x, ok = b.exchange, true
	}
	if ok {
		x.unfit = why
		x.o.note(why)
	}
	_ = body.Close()
}

func (x *exchange) Read(p []byte) (int, error) {
	n, err := x.ReadCloser.Read(p)
	x.bytes += int64(n)
	x.o.bytes.Add(int64(n))
	if err != nil && err != io.EOF {
		x.err = err
	}
	return n, err
}

// Ready is fill.Ready's.
func (x *exchange) Ready() bool {
	b, ok := x.ReadCloser.(fill.Ready)
	return ok && b.Ready()
}

func (x *exchange) Close() error {
	err := x.ReadCloser.Close()
	x.end(cmp.Or(x.unfit, x.err))
	x.cancel()
	return err
}

// end counts and logs the exchange, and gives its slot back, once.
func (x *exchange) end(err error) {
	x.once.Do(func() {
		x.o.slots.give()
		took := time.Since(x.start)
		x.o.took.Observe(took)
		x.o.inFlight.Add(-1)
		level := zerolog.InfoLevel
		if err != nil && !errors.Is(err, context.Canceled) {
			level = zerolog.WarnLevel
			x.o.errors.Add(1)
			x.o.recent.add(Failed{time.Now(), x.req.Method, site.Shown(x.req.URL), err.Error()})
		}
		x.endSpan(err)
		e := x.o.Log.WithLevel(level)
		e.Str("method", x.req.Method).Str("url", site.Shown(x.req.URL)).Str("reason", x.reason).
			Int("status", x.status).Int64("bytes", x.bytes).
			Dur("duration_ms", took.Truncate(time.Microsecond)).
			Dur("ttfb_ms", x.head.Truncate(time.Microsecond))
		if x.id != "" {
			e.Str("request", x.id)
		}
		if r := x.req.Header.Get("Range"); r != "" {
			e.Str("range", r)
		}
		x.span.Log(e)
		e.Err(err).Msg("origin")
	})
}

// endSpan ends x's span, if it has one, after err.
func (x *exchange) endSpan(err error) {
	if !x.span.Recorded() {
		return
	}
	a := make(trace.Attributes, 0, 8).Text(trace.Method, x.req.Method).URL(x.req.URL).
		Text(trace.Reason, x.reason).Int(trace.Size, x.bytes)
	if x.status != 0 {
		a = a.Int(trace.Status, int64(x.status))
	}
	x.span.Set(a)
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		x.span.Fail(kindOf(err), err)
	case x.status >= 400:
		x.span.FailStatus(x.status, nil)
	}
	x.span.End()
}

// Forwarding returns a RoundTripper that sends one client's request unchanged, past the cache. The
// exchange is checked, counted, logged and traced like all others, with cause as that request.
func (o *Origin) Forwarding(cause store.Cause) http.RoundTripper { return forwarding{o, cause} }

type forwarding struct {
	o     *Origin
	cause store.Cause
}

func (f forwarding) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := f.o.slots.take(req.Context(), false); err != nil {
		return nil, err
	}
	return f.o.do(req.Context(), req, "pass", f.cause)
}
