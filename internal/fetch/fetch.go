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
	for again := false; ; again = true {
		f, err := o.try(ctx, req, prev)
		if err != nil {
			return nil, err
		}
		lost := broken(f.Body)
		if lost == nil {
			return f, nil
		}
		_ = f.Body.Close()
		if again || !f.Record.Resumable {
			return nil, FailureOf(lost)
		}
	}
}

// attempt is one request to the origin, made for req.
type attempt struct {
	req    *store.Request
	prev   *store.Record // that it validates
	key    string        // of the resource that is asked for
	header http.Header
	reason string
}

// attempt builds the request to the origin for req.
func (o *Origin) attempt(req *store.Request, prev *store.Record) *attempt {
	a := &attempt{
		req: req, prev: prev, key: cmp.Or(req.Target, req.Key),
		header: o.fetchHeader(req.Fields), reason: reasonMiss,
	}
	if req.Background {
		delete(a.header, "Cache-Control")
		delete(a.header, "Pragma")
	}
	if req.Ranged {
		a.header["Range"] = req.Header["Range"]
	}
	if prev == nil {
		o.Offer(a.header, req, a.key)
		return a
	}
	a.key = cmp.Or(prev.URL, prev.Key)
	if httpcache.AddConditions(a.header, prev.Header()) {
		a.reason = reasonRevalidate
	}
	return a
}

// try sends one request to the origin, and another one if a 304 confirms nothing that is stored.
func (o *Origin) try(
	ctx context.Context, req *store.Request, prev *store.Record,
) (*store.OriginResponse, error) {
	a := o.attempt(req, prev)
	req.Note()
	by := purpose{reason: a.reason, id: req.ID, inform: req.Inform}
	method := http.MethodGet
	if req.Head {
		method = http.MethodHead
	}
	resp, head, err := o.send(ctx, by, method, a.key, a.header)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusNotModified {
		return o.judge(a, resp, head)
	}
	// The client's conditions weren't sent, so this answers those that were added here.
	_ = resp.Body.Close()
	if f := o.confirmed(a, head); f != nil {
		return f, nil
	}
	again := *req // it is about another representation than those that are stored
	if prev == nil {
		again.Variants = nil
	}
	return o.try(ctx, &again, nil)
}

// confirmed returns the stored response that a 304 renews, or nil if that isn't stored.
func (o *Origin) confirmed(a *attempt, head *httpcache.Response) *store.OriginResponse {
	if a.prev != nil {
		if httpcache.Confirms(a.prev.Header(), head.Header) {
			return o.renewed(a.req, a.prev, head)
		}
		return nil
	}
	variant := o.named(a.req, a.key, head.Header)
	if variant == nil {
		return nil
	}
	f := o.renewed(a.req, variant, head)
	f.Variant = variant
	return f
}

// judge turns a response other than a 304 into a result.
func (o *Origin) judge(
	a *attempt, resp *http.Response, head *httpcache.Response,
) (*store.OriginResponse, error) {
	var err error
	switch {
	case a.prev != nil && failing(head.Status) &&
		a.prev.Facts.StaleOnError(a.req.Header, o.Now()):
		// RFC 9111 section 4.3.3: as if the origin hadn't answered.
		err = misbehaves(fmt.Errorf("origin answered %d", head.Status))
	case Unasked(resp, a.header, a.req.Header):
		err = FailureOf(ErrUnasked)
	case a.req.Head && a.prev != nil && !a.prev.HeadOnly && sameContent(a.prev, head):
		_ = resp.Body.Close()
		return o.renewed(a.req, a.prev, head), nil
	default:
		return o.fetched(a.req, a.key, resp, head), nil
	}
	_ = resp.Body.Close()
	return nil, err
}

// failing reports whether a status says that the origin can't answer now (RFC 5861 section 4).
func failing(status int) bool { return slices.Contains([]int{500, 502, 503, 504}, status) }

// sameContent reports whether the response to a HEAD is about the content of prev, the response to
// a GET, and so renews it (RFC 9111 section 4.3.5).
func sameContent(prev *store.Record, head *httpcache.Response) bool {
	if head.Status != http.StatusOK || prev.Status != http.StatusOK {
		return false
	}
	stored := prev.Header()
	return httpcache.Settled(stored) && httpcache.Matches(stored, head.Header, prev.Length)
}
