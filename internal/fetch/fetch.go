package fetch

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Fetch implements store.Source. A body that breaks off within its first bytes counts as no
// response. If it could be resumed, the request is sent once more instead, since no byte has been
// used.
func (o *Origin) Fetch(
	ctx context.Context, req *store.Request, prev *store.Record,
) (*store.OriginResponse, error) {
	if req.Inform != nil {
		ctx = informing(ctx, req.Inform)
	}
	for again := false; ; again = true {
		f, err := o.try(ctx, req, prev)
		if err != nil {
			return nil, err
		}
		lost := Broken(f.Body)
		if lost == nil {
			return f, nil
		}
		_ = f.Body.Close()
		if again || !f.Record.Resumable {
			return nil, FailureOf(lost)
		}
	}
}

// try sends one request to the origin, and another one if a 304 confirms nothing that is stored.
func (o *Origin) try(
	ctx context.Context, req *store.Request, prev *store.Record,
) (*store.OriginResponse, error) {
	a := o.attempt(req, prev)
	resp, head, err := o.send(ctx, &a.sent)
	if err != nil {
		return nil, err
	}
	f, err := a.result(resp, head)
	if f == nil || f.Body == nil {
		_ = resp.Body.Close()
	}
	if f != nil || err != nil {
		return f, err
	}
	again := *req
	again.Variants = nil // it is about another representation than those that are stored
	return o.try(ctx, &again, nil)
}

// result turns a response into a result. Without an error, that is nil for a 304 that confirms
// nothing that is stored.
func (a *attempt) result(
	resp *http.Response, head *httpcache.Response,
) (*store.OriginResponse, error) {
	stored := a.confirmed(head)
	switch {
	case stored != nil:
		return a.renewed(stored, head), nil
	case head.Status == http.StatusNotModified:
		// The client's conditions weren't sent, so this answers those that were added here.
		return nil, nil
	case a.prev != nil && slices.Contains(failing, head.Status) &&
		a.prev.Facts.StaleOnError(a.req.Header, a.Now()):
		// RFC 9111 section 4.3.3: as if the origin hadn't answered.
		return nil, FailureOf(fmt.Errorf("origin answered %d", head.Status))
	case Unasked(resp, a.sent.header, a.req.Header):
		Refuse(resp.Body, ErrUnasked)
		return nil, FailureOf(ErrUnasked)
	}
	return a.fetched(resp, head), nil
}

// confirmed returns the stored response that the response says is still good, or nil.
func (a *attempt) confirmed(head *httpcache.Response) *store.Record {
	notModified := head.Status == http.StatusNotModified
	switch prev := a.prev; {
	case prev == nil && notModified:
		return a.named(head.Header)
	case prev == nil:
		return nil
	case notModified && httpcache.Confirms(prev.Header(), head.Header),
		a.req.Head && !prev.HeadOnly && sameContent(prev, head):
		return prev
	}
	return nil
}

// named returns the offered variant that a 304 names, or nil if there is none or if the request
// doesn't accept its content coding.
func (a *attempt) named(notModified http.Header) *store.Record {
	tag := httpcache.StrongETag(notModified)
	for _, rec := range a.offered {
		stored := rec.Header()
		if httpcache.StrongETag(stored) == tag && httpcache.AcceptsCodings(a.req.Header, stored) {
			return rec
		}
	}
	return nil
}

// failing are the statuses that say that the origin can't answer now (RFC 5861 section 4).
var failing = []int{500, 502, 503, 504}

// sameContent reports whether the response to a HEAD is about the content of prev, the response to
// a GET, and so renews it (RFC 9111 section 4.3.5).
func sameContent(prev *store.Record, head *httpcache.Response) bool {
	stored := prev.Header()
	return head.Status == http.StatusOK && prev.Status == http.StatusOK &&
		httpcache.Settled(stored) && httpcache.Matches(stored, head.Header, prev.Length)
}

// attempt is one request to the origin, made for req.
type attempt struct {
	*Origin
	req     *store.Request
	prev    *store.Record // that it validates
	sent    request
	offered []*store.Record
}

// attempt builds the request to the origin for req.
func (o *Origin) attempt(req *store.Request, prev *store.Record) *attempt {
	header := o.fetchHeader(req.Fields)
	a := &attempt{Origin: o, req: req, prev: prev, sent: request{
		reason: "miss", cause: req.Cause, method: http.MethodGet,
		key: cmp.Or(req.Target, req.Key), header: header, yields: req.Background,
	}}
	if req.Head {
		a.sent.method = http.MethodHead
	}
	if req.Background {
		delete(header, "Cache-Control")
		delete(header, "Pragma")
	}
	if req.Ranged {
		header["Range"] = req.Header["Range"]
	}
	a.offered = o.Offer(header, req, a.sent.key)
	if prev != nil {
		a.sent.key = cmp.Or(prev.URL, prev.Key)
		if httpcache.AddConditions(header, prev.Header()) {
			a.sent.reason = "revalidate"
		}
	}
	return a
}
