package fetch

import (
	"cmp"
	"net/http"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// renewed returns prev, updated by a 304 or by the response to a HEAD.
func (o *Origin) renewed(
	req *store.Request, prev *store.Record, head *httpcache.Response,
) *store.OriginResponse {
	rec := prev.Clone()
	rec.URL = cmp.Or(prev.URL, prev.Key)
	head.Status, head.Header = rec.Status, httpcache.Freshen(prev.Fields(), head.Header)
	o.Describe(rec, req.Header, head)
	if (rec.Part != store.Part{}) {
		head.Status = http.StatusOK // of which it is a part
	}
	// a 304 may bring a no-store
	return &store.OriginResponse{Record: rec, Renewed: true, Storable: o.storable(req, head, -1)}
}

// storable reports whether the response to req, whose content has length bytes, may be stored for
// others.
func (o *Origin) storable(req *store.Request, head *httpcache.Response, length int64) bool {
	storable, _ := o.Judge(req.Header, head, length)
	return storable && !VariesByIdentity(head.Header, fieldsTold(req.Fields))
}

// fetched makes the result of a response that is new: its record, and whether it may be stored.
func (o *Origin) fetched(
	req *store.Request, url string, resp *http.Response, head *httpcache.Response,
) *store.OriginResponse {
	rec := store.NewRecord()
	rec.URL, rec.Status, rec.Length = url, head.Status, resp.ContentLength
	trailer := func() http.Header { return httpcache.Trailer(resp.Trailer) }
	f := &store.OriginResponse{Record: rec, Body: resp.Body, Trailer: trailer}
	f.Storable = o.storable(req, head, rec.Length)
	switch {
	case rec.Status == http.StatusPartialContent && !req.Head:
		// If the rest of such a part was requested without success (Gone), a part isn't stored
		// again.
		if f.Storable = f.Storable && req.Gone == ""; f.Storable {
			partial(f, head)
		}
	case req.Ranged && rec.Status != http.StatusOK: // it is about the range: a 416 above all
		f.Storable = false
	}
	f.Private = req.Ranged || len(req.Header["Authorization"]) > 0 ||
		o.Site.Policy.RequestDirectives(req.Header).Has("no-store")
	o.Describe(rec, req.Header, head)
	// A part shares its validator with other parts, and what isn't settled with other bytes.
	if rec.Part == (store.Part{}) && httpcache.Settled(head.Header) {
		f.Validator, _ = strongValidator(head.Header)
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
	validator, _ := strongValidator(head.Header)
	whole = validator != "" && httpcache.Settled(head.Header) && part.Total < 1<<60
	return part, whole, ok
}

// Judge reports whether the response to a GET with those fields is one that may be stored, if its
// content has length bytes; the reason is that of httpcache.Policy.Storable. A part is judged as
// the success that it is a part of.
func (o *Origin) Judge(
	request http.Header, head *httpcache.Response, length int64,
) (storable bool, reason string) {
	if head.Status != http.StatusPartialContent {
		return o.Site.Policy.Storable(http.MethodGet, request, head)
	}
	as := *head
	as.Status = http.StatusOK
	storable, reason = o.Site.Policy.Storable(http.MethodGet, request, &as)
	part, whole, ok := partOf(head, length)
	if storable && !(ok && (whole || part.Answers(request))) {
		return false, httpcache.ReasonPartial
	}
	return storable, reason
}
