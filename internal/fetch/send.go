package fetch

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

var errSwitched = errors.New(
	"the origin switches to another protocol, which it wasn't asked to")

// send sends one request for key and returns the response and its head. The error is a
// *store.Failure.
func (o *Origin) send(
	ctx context.Context, by purpose, method, key string, header http.Header,
) (*http.Response, *httpcache.Response, error) {
	if by.inform != nil {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: by.interim})
	}
	req := &http.Request{Method: method, URL: o.Site.Target(key), Header: header}
	sent := o.Now()
	resp, err := o.do(req.WithContext(ctx), by)
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols { // to what nobody asked for
		_ = resp.Body.Close()
		err = misbehaves(errSwitched)
	}
	if err != nil {
		return nil, nil, FailureOf(err)
	}
	return resp, o.Received(resp, sent), nil
}

// interim passes an interim response on to inform.
func (p purpose) interim(status int, header textproto.MIMEHeader) error {
	if status != http.StatusSwitchingProtocols {
		p.inform(status, httpcache.EndToEnd(http.Header(header)))
	}
	return nil
}

// fetchHeader returns the header of a request to the origin, made from a client's, whose response
// may be stored for others.
func (o *Origin) fetchHeader(by store.Fields) http.Header {
	h := httpcache.EndToEnd(by.Header)
	httpcache.StripConditions(h)
	DropSteering(h)
	maps.Copy(h, fieldsTold(by))
	o.Mark(h, by.Proto)
	return h
}

// Probe requests the head of the resource with that key from the origin, as for a client's request
// with those fields. length is the Content-Length, -1 if it isn't known. The error is a
// *store.Failure.
func (o *Origin) Probe(
	ctx context.Context, method, key string, request http.Header,
) (head *httpcache.Response, length int64, err error) {
	header := o.fetchHeader(store.Fields{Header: request, Proto: "HTTP/1.1"})
	resp, head, err := o.send(ctx, purpose{reason: reasonExplain}, method, key, header)
	if err != nil {
		return nil, 0, err
	}
	_ = resp.Body.Close()
	if Unasked(resp, header, request) {
		return nil, 0, FailureOf(ErrUnasked)
	}
	return head, resp.ContentLength, nil
}
