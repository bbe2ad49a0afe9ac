package fetch

import (
	"cmp"
	"net/http"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

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
