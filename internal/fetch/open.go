package fetch

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Open implements store.Source.
func (o *Origin) Open(
	ctx context.Context, by store.Fields, rec *store.Record, off, end int64,
) (store.OriginBody, error) {
	header := o.fetchHeader(by)
	delete(header, "Accept-Encoding")  // as the stored one was selected, so are its parts
	maps.Copy(header, rec.Selecting()) // what the request at hand has may differ in form
	delete(header, "Range")            // by which it may have been selected
	span := "all"
	if off > 0 || end >= 0 {
		if acceptsNone(rec.Fields()) {
			return store.OriginBody{}, fmt.Errorf("origin accepts no ranges: %w", store.ErrRefused)
		}
		span = rangeOf(off, end)
		header.Set("If-Range", strongValidator(rec.Fields()))
		header.Set("Range", span)
	}
	resp, head, err := o.send(ctx, &request{
		reason: reasonRange, cause: by.Cause, method: http.MethodGet,
		key: cmp.Or(rec.URL, rec.Key), header: header,
	})
	if err != nil {
		return store.OriginBody{}, err
	}
	got := store.OriginBody{Body: resp.Body, Whole: head.Status == http.StatusOK}
	got.Length, err = continues(rec, head, resp.ContentLength, off)
	lost := Broken(resp.Body)
	switch {
	case err != nil:
	case header["Range"] == nil && !got.Whole:
		err = fmt.Errorf("origin answered %d to a request for all: %w", head.Status,
			store.ErrRefused)
	case lost != nil:
		err = FailureOf(lost)
	default:
		return got, nil
	}
	_ = resp.Body.Close()
	return store.OriginBody{}, fmt.Errorf("%s of %s: %w", span, rec.Key, err)
}

func rangeOf(off, end int64) string {
	if end < 0 {
		return fmt.Sprintf("bytes=%d-", off)
	}
	return fmt.Sprintf("bytes=%d-%d", off, end-1)
}

// acceptsNone reports whether the origin says that it serves no ranges (RFC 9110 section 14.3).
func acceptsNone(h http.Header) bool {
	return strings.EqualFold(strings.Join(h["Accept-Ranges"], ","), "none")
}

// continues checks that a response is rec's representation, or the part of it that begins at off,
// and returns the length of the representation, -1 if it isn't known. Parts belong to one
// representation only if they have the same strong validator (RFC 9110 section 15.3.7.3), so a part
// without it isn't accepted, nor is one that doesn't state the total length. The error wraps
// fill.ErrGone only if a whole response shows that the representation has changed. Any other
// response that isn't such a part is a refusal.
func continues(
	rec *store.Record, head *httpcache.Response, contentLength, off int64,
) (length int64, err error) {
	had, has := strongValidator(rec.Fields()), strongValidator(head.Header)
	same := has == had && has != "" &&
		head.Header.Get("Content-Encoding") == rec.Head.Get("Content-Encoding")
	changed := !same || rec.Length >= 0 && contentLength >= 0 && contentLength != rec.Length
	switch {
	case head.Status >= 500 || head.Status == http.StatusTooManyRequests:
		return 0, fmt.Errorf("origin answered %d", head.Status) // it may do better the next time
	case head.Status == http.StatusOK && changed:
		return 0, fmt.Errorf("validator %q has become %q, length %d %d: %w",
			had, has, rec.Length, contentLength, fill.ErrGone)
	case head.Status == http.StatusOK:
		return cmp.Or(max(contentLength, 0), rec.Length), nil
	case head.Status != http.StatusPartialContent || !same:
		return 0, fmt.Errorf("origin answered %d with validator %q: %w",
			head.Status, has, store.ErrRefused)
	}
	part, ok := httpcache.ParseContentRange(head.Header)
	if !ok || part.Start != off || (rec.Length >= 0 && part.Total != rec.Length) {
		return 0, fmt.Errorf("origin sent the part %q: %w",
			head.Header.Get("Content-Range"), store.ErrRefused)
	}
	return part.Total, nil
}
