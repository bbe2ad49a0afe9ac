package fetch

import (
	"cmp"
	"net/http"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// renewed returns the result that stored is still good, updated by a 304 or by the response to a
// HEAD.
func (a *attempt) renewed(stored *store.Record, head *httpcache.Response) *store.OriginResponse {
	f := &store.OriginResponse{Record: stored.Clone(), Renewed: true}
	rec := f.Record
	rec.URL = cmp.Or(stored.URL, stored.Key)
	head.Status, head.Header = rec.Status, httpcache.Freshen(stored.Fields(), head.Header)
	a.Describe(rec, a.req.Header, head)
	if (rec.Part != store.Part{}) {
		head.Status = http.StatusOK // of which it is a part
	}
	f.Storable = a.storable(head, -1) // a 304 may bring a no-store
	if a.prev == nil {
		f.Variant = stored
	}
	return f
}

// storable reports whether the response, whose content has length bytes, may be stored for others.
func (a *attempt) storable(head *httpcache.Response, length int64) bool {
	storable, _ := a.Judge(a.req.Header, head, length)
	return storable && !VariesByIdentity(head.Header, fieldsTold(a.req.Fields))
}

// fetched makes the result of a response that is new: its record, and whether it may be stored.
func (a *attempt) fetched(resp *http.Response, head *httpcache.Response) *store.OriginResponse {
	req, rec := a.req, store.NewRecord()
	rec.URL, rec.Status, rec.Length = a.sent.key, head.Status, resp.ContentLength
	trailer := func() http.Header { return httpcache.Trailer(resp.Trailer) }
	f := &store.OriginResponse{Record: rec, Body: resp.Body, Trailer: trailer}
	f.Storable = a.storable(head, rec.Length)
	switch {
	case rec.Status == http.StatusPartialContent && !req.Head:
		// If the rest of such a part was requested without success (Gone), a part isn't stored
		// again. One that is too large to be kept goes to the client as it is.
		_, whole, _ := partOf(head, rec.Length)
		f.Storable = f.Storable && req.Gone == "" && (whole || !a.Streams(rec))
		if f.Storable {
			partial(f, head)
		}
	case req.Ranged && rec.Status != http.StatusOK: // it is about the range: a 416 above all
		f.Storable = false
	}
	f.Private = req.Ranged || len(req.Header["Authorization"]) > 0 ||
		a.Site.Policy.RequestDirectives(req.Header).Has("no-store")
	a.Describe(rec, req.Header, head)
	// A part shares its validator with other parts, and what isn't settled with other bytes.
	if rec.Part == (store.Part{}) && httpcache.Settled(head.Header) {
		f.Validator = strongValidator(head.Header)
	}
	rec.Resumable = rec.Status == http.StatusOK && f.Validator != ""
	// An origin that has just sent a part gives parts.
	rec.Rangeable = rec.Resumable && (f.To > 0 || Rangeable(head))
	return f
}

// partial makes the record of a 206 that may be stored (RFC 9111 section 3.3). With a strong
// validator the record is that of the whole, and the body is a part of its content. Otherwise it is
// the record of a part, which answers requests for a range within.
func partial(f *store.OriginResponse, head *httpcache.Response) {
	rec := f.Record
	part, whole, _ := partOf(head, rec.Length)
	head.Status = http.StatusOK // of which it is a part
	delete(head.Header, "Content-Range")
	delete(head.Header, "Content-Length")
	if !whole {
		rec.Part = store.Part(part)
		return
	}
	rec.Status, rec.Length = http.StatusOK, part.Total
	f.From, f.To = part.Start, part.End
}

// partOf returns the part that a 206 holds whose content has length bytes, and whether it can be
// joined with other parts. It isn't ok if the response doesn't say which part it is.
func partOf(head *httpcache.Response, length int64) (part httpcache.Part, whole, ok bool) {
	part, ok = httpcache.ParsePart(head.Header, length)
	whole = strongValidator(head.Header) != "" && httpcache.Settled(head.Header) &&
		part.Total < 1<<60
	return part, whole, ok
}

// Judge reports whether the response to a GET with those fields is one that may be stored, if its
// content has length bytes; the reason is ReasonTooLarge, or that of httpcache.Policy.Storable. A
// part is judged as the success that it is a part of.
func (o *Origin) Judge(
	request http.Header, head *httpcache.Response, length int64,
) (storable bool, reason string) {
	as := *head
	if head.Status == http.StatusPartialContent {
		as.Status = http.StatusOK
	}
	storable, reason = o.Site.Policy.Storable(http.MethodGet, request, &as)
	if storable && head.Status != as.Status {
		part, whole, ok := partOf(head, length)
		if !(ok && (whole || part.Answers(request))) {
			return false, httpcache.ReasonPartial
		}
		length = part.Total
	}
	if storable && o.MaxObject > 0 && length > o.MaxObject {
		return false, ReasonTooLarge
	}
	return storable, reason
}

// ReasonTooLarge is why a response isn't stored whose content is larger than any may be.
const ReasonTooLarge = "too-large"
