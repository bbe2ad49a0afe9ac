package fetch

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// An origin that negotiates content may select, for a new request, a representation that is stored
// already. The request lists the entity tags of the stored ones (RFC 9111 section 4.1), so that the
// origin needn't send the content again.

// maxOffered bounds the bytes of an If-None-Match that names variants.
const maxOffered = 4 << 10

// Offer makes a request for url conditional on the variants that are stored for other requests, as
// far as they have usable entity tags, and returns those.
func (o *Origin) Offer(header http.Header, req *store.Request, url string) (
	offered []*store.Record,
) {
	if !negotiated(req.Variants) {
		return nil
	}
	var tags []string
	size := 0
	for _, rec := range req.Variants {
		tag := o.offerable(rec, req, url)
		if size += len(tag); tag != "" && size <= maxOffered && !slices.Contains(tags, tag) {
			tags, offered = append(tags, tag), append(offered, rec)
		}
	}
	if len(tags) > 0 {
		header["If-None-Match"] = []string{strings.Join(tags, ", ")}
	}
	return offered
}

// negotiated reports whether the variants differ by Accept and Accept-* only.
func negotiated(variants []*store.Record) bool {
	var names []string
	for _, rec := range variants {
		names = append(names, rec.Vary...)
	}
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool {
		return name != "Accept" && !strings.HasPrefix(name, "Accept-")
	})
}

// offerable returns the strong entity tag of rec, or "" if it has none, if another stored variant
// with other content has the same one, or if rec isn't a whole response for url.
func (o *Origin) offerable(rec *store.Record, req *store.Request, url string) string {
	tag := httpcache.StrongETag(rec.Header())
	whole := rec.Status == http.StatusOK && rec.Part == store.Part{}
	ambiguous := func(other *store.Record) bool {
		return other.Version != rec.Version && httpcache.StrongETag(other.Header()) == tag
	}
	if !whole || o.Streams(rec) || cmp.Or(rec.URL, rec.Key) != url ||
		slices.ContainsFunc(req.Variants, ambiguous) {
		return ""
	}
	return tag
}
