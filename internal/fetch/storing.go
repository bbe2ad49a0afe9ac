package fetch

import (
	"cmp"
	"net/http"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// renewed is prev with what a 304 has told.
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
	storable, _ := o.Site.Policy.Storable(http.MethodGet, req.Header, head)
	storable = storable && !VariesByIdentity(head.Header, fieldsTold(req.Fields))
	return &store.OriginResponse{Record: rec, Renewed: true, Storable: storable}
}

// fetched says what is to become of a response.
func (o *Origin) fetched(
	req *store.Request, url string, resp *http.Response, head *httpcache.Response,
) *store.OriginResponse {
	rec := store.NewRecord()
	rec.URL, rec.Status, rec.Length = url, head.Status, resp.ContentLength
	trailer := func() http.Header { return httpcache.Trailer(resp.Trailer) }
	f := &store.OriginResponse{Record: rec, Body: resp.Body, Trailer: trailer}
	switch {
	case rec.Status == http.StatusPartialContent && !req.Head:
		o.partial(req, f, head)
	case req.Ranged && rec.Status != http.StatusOK: // it is about the range: a 416 above all
	default:
		f.Storable, _ = o.Judge(req.Header, head, rec.Length)
	}
	f.Storable = f.Storable && !VariesByIdentity(head.Header, fieldsTold(req.Fields))
	f.Private = req.Ranged || len(req.Header["Authorization"]) > 0 ||
		o.Site.Policy.RequestDirectives(req.Header).Has("no-store")
	o.Describe(rec, req.Header, head)
	if httpcache.Settled(head.Header) { // else other bytes may come under the same validator
		f.Validator, _ = strongValidator(head.Header)
	}
	if (rec.Part != store.Part{}) { // which shares its validator with other parts
		f.Validator = ""
		return f
	}
	if f.To > 0 {
		rec.Rangeable, rec.Resumable = true, true // it has just shown that it gives ranges
		return f
	}
	if rec.Status == http.StatusOK && f.Validator != "" {
		rec.Rangeable = Rangeable(head)
		rec.Resumable = true
	}
	return f
}

// partial says what is to become of a 206, if it may be stored (RFC 9111 section 3.3): where a
// strong validator names the whole, the record is that of the whole, some of whose content is at
// hand; else it is a part, to answer requests like the one it came for.
func (o *Origin) partial(req *store.Request, f *store.OriginResponse, head *httpcache.Response) {
	rec := f.Record
	part, whole, _ := partOf(head, rec.Length)
	storable, _ := o.Judge(req.Header, head, rec.Length)
	head.Status = http.StatusOK // of which it is a part
	// One that has had us ask for the rest in vain isn't to do so again.
	if f.Storable = storable && req.Gone == ""; !f.Storable {
		return
	}
	delete(head.Header, "Content-Range")
	delete(head.Header, "Content-Length")
	if !whole {
		rec.Part = store.Part(part)
		return
	}
	rec.Status, rec.Length = http.StatusOK, part.Total
	f.From, f.To = part.Start, part.End
}

// partOf is the part that a 206 whose content has length bytes holds, and whether it can be joined
// with others to the whole. It fails if the response doesn't say which part it is.
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
