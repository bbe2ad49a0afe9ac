package fetch

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// request is a request to the origin whose response may be stored for others.
type request struct {
	// why it is sent, for the log: "miss" (nothing usable was stored), "revalidate" (to validate a
	// stored response), "range" (for a part that was not in the cache) or "explain" (to see what
	// the origin says)
	reason      string
	cause       store.Cause
	method, key string
	header      http.Header
	yields      bool // nobody waits for the response
}

// send sends r and returns the response and its head. The error is a *store.Failure, or
// store.ErrYielded.
func (o *Origin) send(ctx context.Context, r *request) (
	*http.Response, *httpcache.Response, error,
) {
	if err := o.slots.take(ctx, r.yields); err == store.ErrYielded {
		return nil, nil, err
	} else if err != nil {
		return nil, nil, FailureOf(err)
	}
	r.cause.Note()
	req := &http.Request{Method: r.method, URL: o.Site.Target(r.key), Header: r.header}
	sent := o.Now()
	resp, err := o.do(ctx, req, r.reason, r.cause)
	if err != nil {
		return nil, nil, FailureOf(err)
	}
	return resp, o.Received(resp, sent), nil
}

// informing returns a context that has inform called with the interim responses.
func informing(ctx context.Context, inform func(int, http.Header)) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			if status != http.StatusSwitchingProtocols {
				inform(status, httpcache.EndToEnd(http.Header(header)))
			}
			return nil
		},
	})
}

// fetchHeader returns the header of a request to the origin, made from a client's, whose response
// may be stored for others.
func (o *Origin) fetchHeader(by store.Fields) http.Header {
	h := httpcache.EndToEnd(by.Header)
	httpcache.StripConditions(h)
	o.DropSteering(h)
	maps.Copy(h, fieldsTold(by))
	o.Mark(h, by.Proto)
	return h
}

// Probe requests the head of the resource with that key from the origin, as for a client's request
// with those fields. length is the Content-Length, -1 if it isn't known. The error is a
// *store.Failure.
func (o *Origin) Probe(
	ctx context.Context, method, key string, fields http.Header,
) (head *httpcache.Response, length int64, err error) {
	header := o.fetchHeader(store.Fields{Header: fields, Proto: "HTTP/1.1"})
	resp, head, err := o.send(ctx, &request{
		reason: "explain", method: method, key: key, header: header,
	})
	if err != nil {
		return nil, 0, err
	}
	if Unasked(resp, header, fields) {
		Refuse(resp.Body, ErrUnasked)
		return nil, 0, FailureOf(ErrUnasked)
	}
	_ = resp.Body.Close()
	return head, resp.ContentLength, nil
}
