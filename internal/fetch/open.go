package fetch

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"

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
	if off > 0 || end >= 0 {
		if acceptRanges(rec.Fields()) == "none" {
			return store.OriginBody{}, fmt.Errorf("origin accepts no ranges: %w", store.ErrRefused)
		}
		header.Set("If-Range", strongValidator(rec.Fields()))
		span := fmt.Sprintf("bytes=%d-", off)
		if end >= 0 {
			span += strconv.FormatInt(end-1, 10)
		}
		header.Set("Range", span)
	}
	resp, head, err := o.send(ctx, &request{
		reason: "range", cause: by.Cause, method: http.MethodGet,
		key: cmp.Or(rec.URL, rec.Key), header: header,
	})
	if err != nil {
		return store.OriginBody{}, err
	}
	length, err := continues(rec, head, resp.ContentLength, off, header["Range"] != nil)
	if lost := Broken(resp.Body); err == nil && lost != nil {
		err = FailureOf(lost)
	}
	if err != nil {
		_ = resp.Body.Close()
		return store.OriginBody{}, fmt.Errorf("%s from byte %d: %w", rec.Key, off, err)
	}
	whole := head.Status == http.StatusOK
	return store.OriginBody{Body: resp.Body, Whole: whole, Length: length}, nil
}

// continues checks that a response is rec's representation, or the part of it that begins at off if
// a part was asked for, and returns the length of the representation, -1 if it isn't known. Parts
// belong to one representation only if they have the same strong validator (RFC 9110 section
// 15.3.7.3), so a part without it isn't accepted, nor is one that doesn't state the total length.
// The error wraps fill.ErrGone only if a whole response shows that the representation has changed.
// Any other response that isn't such a part is a refusal.
func continues(
	rec *store.Record, head *httpcache.Response, contentLength, off int64, ranged bool,
) (length int64, err error) {
	had, has := strongValidator(rec.Fields()), strongValidator(head.Header)
	same := has == had && has != "" &&
		head.Header.Get("Content-Encoding") == rec.Head.Get("Content-Encoding")
	fits := func(length int64) bool { return same && (rec.Length < 0 || length == rec.Length) }
	part, ok := httpcache.ParseContentRange(head.Header)
	if length = contentLength; length < 0 {
		length = rec.Length
	}
	switch status := head.Status; {
	case status >= 500 || status == http.StatusTooManyRequests:
		return 0, fmt.Errorf("origin answered %d", status) // it may do better the next time
	case status == http.StatusOK && fits(length):
		return length, nil
	case status == http.StatusOK:
		return 0, fmt.Errorf("validator %q has become %q, length %d %d: %w",
			had, has, rec.Length, contentLength, fill.ErrGone)
	case status == http.StatusPartialContent && ranged && ok && part.Start == off &&
		fits(part.Total):
		return part.Total, nil
	}
	return 0, fmt.Errorf("origin answered %d with validator %q and the part %q: %w",
		head.Status, has, head.Header.Get("Content-Range"), store.ErrRefused)
}
