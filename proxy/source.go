package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// source answers the store's requests from the origin.
type source struct{ p *Proxy }

// Failed is store.Source's.
func (s *source) Failed(err error) *store.Failure { return failed(err).(*store.Failure) }

// Fetch is store.Source's. A body that breaks off within its first bytes is as good as no answer.
// If it could be resumed, it is asked for once more instead, as a whole, since nothing of it has
// been used.
func (s *source) Fetch(ctx context.Context, req *store.Request, prev *store.Record) (*store.OriginResponse, error) {
	f, lost, err := s.try(ctx, req, prev)
	if err == nil && lost != nil && f.Record.Resumable {
		f, lost, err = s.try(ctx, req, prev)
	}
	if err == nil && lost != nil {
		return nil, failed(lost)
	}
	return f, err
}

// try asks the origin. If the body of its answer has broken off already, lost says why, and the
// body is closed.
func (s *source) try(ctx context.Context, req *store.Request, prev *store.Record) (f *store.OriginResponse, lost, err error) {
	header := s.fetchHeader(req.Fields())
	if req.Background {
		delete(header, "Cache-Control")
		delete(header, "Pragma")
	}
	if req.Ranged {
		header["Range"] = req.Header["Range"]
	}
	ctx = withRequestID(ctx, req.ID)
	reason, stored := reasonMiss, http.Header(nil)
	if prev != nil {
		stored = prev.Fields()
	}
	if httpcache.AddConditions(header, stored) {
		reason = reasonRevalidate
	}
	key := cmp.Or(req.Target, req.Key)
	if prev != nil {
		key = cmp.Or(prev.URL, prev.Key)
	}
	offered := prev == nil && s.offer(header, req, key)
	req.Note()
	resp, head, err := s.send(because(ctx, reason), methodOf(req.Head), key, header)
	if err != nil {
		return nil, nil, err
	}
	if reason == reasonRevalidate && resp.StatusCode == http.StatusNotModified {
		_ = resp.Body.Close()
		if httpcache.Confirms(stored, head.Header) {
			return s.renewed(req, prev, head), nil, nil
		}
		return s.try(ctx, req, nil) // it is about another representation than ours
	}
	if offered && resp.StatusCode == http.StatusNotModified {
		_ = resp.Body.Close()
		if variant := s.named(req, key, head.Header); variant != nil {
			f := s.renewed(req, variant, head)
			f.Variant = variant
			return f, nil, nil
		}
		again := *req
		again.Variants = nil
		return s.try(ctx, &again, nil)
	}
	if prev != nil && failing(resp.StatusCode) && prev.Facts.StaleOnError(req.Header, s.p.cfg.Now()) {
		// RFC 9111 section 4.3.3: as if the origin hadn't answered.
		_ = resp.Body.Close()
		return nil, nil, &store.Failure{Status: http.StatusBadGateway, Kind: "http_protocol_error", Err: fmt.Errorf("origin answered %d", resp.StatusCode)}
	}
	if lost = broken(resp); lost != nil || unasked(resp, header, req.Header) {
		_ = resp.Body.Close()
	}
	if unasked(resp, header, req.Header) {
		return nil, nil, failed(errUnasked)
	}
	if req.Head && prev != nil && !prev.HeadOnly && sameContent(prev, head) {
		_ = resp.Body.Close()
		return s.renewed(req, prev, head), nil, nil
	}
	return s.fetched(req, key, resp, head), lost, nil
}

// sameContent reports whether the answer to a HEAD is about the content of prev, which a GET
// brought, and so renews it (RFC 9111 section 4.3.5).
func sameContent(prev *store.Record, head *httpcache.Response) bool {
	if head.Status != http.StatusOK || prev.Status != http.StatusOK {
		return false
	}
	stored := prev.Fields()
	return httpcache.Settled(stored) && httpcache.Matches(stored, head.Header, prev.Length)
}

var errSwitched = errors.New("the origin switches to another protocol, which it wasn't asked to")

// failing reports whether a status says that the origin can't answer now (RFC 5861 section 4).
func failing(status int) bool {
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// methodOf is the method of a request for a resource, or for its header only.
func methodOf(head bool) string {
	if head {
		return http.MethodHead
	}
	return http.MethodGet
}

// send sends one request for key and returns the response with its head as the rules of caching
// want it.
func (s *source) send(ctx context.Context, method, key string, header http.Header) (*http.Response, *httpcache.Response, error) {
	ctx = informing(ctx)
	req := (&http.Request{Method: method, URL: s.p.site.Target(key), Header: header}).WithContext(ctx)
	sent := s.p.cfg.Now()
	resp, err := s.p.origin.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols { // to what nobody has asked for
		_ = resp.Body.Close()
		err = &store.Failure{Status: http.StatusBadGateway, Kind: "http_protocol_error", Err: errSwitched}
	}
	if err != nil {
		return nil, nil, failed(err)
	}
	return resp, s.p.received(resp, sent), nil
}

// informing makes the interim responses to a request under ctx known to the one who waits for its
// answer.
func informing(ctx context.Context) context.Context {
	inform := store.Informer(ctx)
	if inform == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
		if status != http.StatusSwitchingProtocols {
			inform(status, httpcache.EndToEnd(http.Header(header)))
		}
		return nil
	}})
}

// fetchHeader is a client's header as it goes with a request whose answer may be stored for others.
func (s *source) fetchHeader(by store.Fields) http.Header {
	h := httpcache.EndToEnd(by.Header)
	httpcache.StripConditions(h)
	dropSteering(h)
	maps.Copy(h, fieldsTold(by))
	s.p.mark(h, by.Proto)
	return h
}

// fieldsTold is what the origin is told of who asks: such an answer is for one, unless it says
// otherwise.
func fieldsTold(by store.Fields) http.Header {
	if len(by.Header["Authorization"]) == 0 {
		return nil
	}
	return by.From
}

// renewed is prev with what a 304 has told.
func (s *source) renewed(req *store.Request, prev *store.Record, head *httpcache.Response) *store.OriginResponse {
	rec := prev.Clone()
	rec.RetryAfter = 0
	rec.URL = cmp.Or(prev.URL, prev.Key)
	head.Status, head.Header = rec.Status, httpcache.Freshen(prev.Fields(), head.Header)
	s.describe(rec, req, head)
	if (rec.Part != store.Part{}) {
		head.Status = http.StatusOK // of which it is a part
	}
	storable, _ := s.p.policy.Storable(http.MethodGet, req.Header, head) // a 304 may bring a no-store
	storable = storable && !variesByIdentity(head.Header, fieldsTold(req.Fields()))
	return &store.OriginResponse{Record: rec, Renewed: true, Storable: storable}
}

// describe sets what rec is to say of a response with that head, and of the request that it
// answers.
func (s *source) describe(rec *store.Record, req *store.Request, head *httpcache.Response) {
	rec.SetFields(head.Header)
	rec.Undated = head.Undated
	rec.SetTimes(head.RequestTime, head.ResponseTime)
	rec.Variant = ""
	rec.Vary, _ = httpcache.VaryNames(head.Header)
	if rec.Vary = slices.DeleteFunc(rec.Vary, steers); len(rec.Vary) > 0 {
		rec.Variant = httpcache.Selecting(rec.Vary, req.Header)
	}
	rec.SetSelecting(selectingFields(rec.Vary, req.Header))
	rec.Groups = httpcache.Groups(head.Header, s.p.cfg.GroupFields)
}

// fetched says what is to become of a response.
func (s *source) fetched(req *store.Request, url string, resp *http.Response, head *httpcache.Response) *store.OriginResponse {
	rec := store.NewRecord()
	rec.URL, rec.Status, rec.Length = url, head.Status, resp.ContentLength
	f := &store.OriginResponse{Record: rec, Body: resp.Body, Trailer: func() http.Header { return httpcache.Trailer(resp.Trailer) }}
	switch {
	case rec.Status == http.StatusPartialContent && !req.Head:
		s.partial(req, f, head)
	case req.Ranged && rec.Status != http.StatusOK: // it is about the range: a 416 above all
	default:
		f.Storable, _ = s.p.policy.Storable(http.MethodGet, req.Header, head)
	}
	f.Storable = f.Storable && !variesByIdentity(head.Header, fieldsTold(req.Fields()))
	f.Private = req.Ranged || len(req.Header["Authorization"]) > 0 || s.p.policy.RequestDirectives(req.Header).Has("no-store")
	s.describe(rec, req, head)
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
		rec.Rangeable = rangeable(head)
		rec.Resumable = true
	}
	return f
}

// rangeable reports whether the origin says that it gives any part of a content, under a validator
// that forbids mixing.
func rangeable(head *httpcache.Response) bool {
	_, condition := strongValidator(head.Header)
	return head.Status == http.StatusOK && condition != "" && httpcache.Settled(head.Header) &&
		strings.Contains(strings.ToLower(strings.Join(head.Header["Accept-Ranges"], ",")), "bytes")
}

// partial says what is to become of a 206, if it may be stored (RFC 9111 section 3.3): where a
// strong validator names the whole, the record is that of the whole, some of whose content is at
// hand; else it is a part, to answer requests like the one it came for.
func (s *source) partial(req *store.Request, f *store.OriginResponse, head *httpcache.Response) {
	rec := f.Record
	part, ok := httpcache.ParsePart(head.Header, rec.Length)
	validator, _ := strongValidator(head.Header)
	whole := validator != "" && httpcache.Settled(head.Header) && part.Total < 1<<60
	head.Status = http.StatusOK // of which it is a part
	f.Storable, _ = s.p.policy.Storable(http.MethodGet, req.Header, head)
	// One that has had us ask for the rest in vain isn't to do so again.
	if f.Storable = f.Storable && ok && req.Gone == "" && (whole || part.Answers(req.Header)); !f.Storable {
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

// selectingFields are the request's fields that a later request for a part has to repeat, to be
// answered from the same representation.
func selectingFields(vary []string, request http.Header) http.Header {
	h := http.Header{}
	for _, name := range append([]string{"Accept-Encoding"}, vary...) {
		if values, ok := request[name]; ok {
			h[name] = values
		}
	}
	return h
}

// strongValidator returns what the version derives from, and the value of the If-Range that names
// it. Both are empty if h has no strong validator.
func strongValidator(h http.Header) (validator, condition string) {
	if tag, ok := httpcache.StrongETag(h); ok {
		return "etag " + tag, tag
	}
	if date, ok := httpcache.StrongLastModified(h); ok {
		return "modified " + date, date
	}
	return "", ""
}

// Open is store.Source's.
func (s *source) Open(ctx context.Context, by store.Fields, rec *store.Record, off, end int64) (store.OriginBody, error) {
	header := s.fetchHeader(by)
	delete(header, "Accept-Encoding")  // as the stored one was selected, so are its parts
	maps.Copy(header, rec.Selecting()) // what the request at hand has may differ in form
	span := ""
	if off > 0 || end >= 0 {
		if acceptsNone(rec.Fields()) {
			return store.OriginBody{}, fmt.Errorf("origin accepts no ranges: %w", store.ErrRefused)
		}
		_, condition := strongValidator(rec.Fields())
		span = rangeOf(off, end)
		header.Set("If-Range", condition)
		header.Set("Range", span)
	}
	by.Note()
	resp, head, err := s.send(because(withRequestID(ctx, by.ID), reasonRange), http.MethodGet, cmp.Or(rec.URL, rec.Key), header)
	if err != nil {
		return store.OriginBody{}, err
	}
	got := store.OriginBody{Body: resp.Body, Whole: head.Status == http.StatusOK}
	if got.Length, err = continues(rec, head, resp.ContentLength, off); err == nil && span == "" && !got.Whole {
		err = fmt.Errorf("origin answered %d to a request for all: %w", head.Status, store.ErrRefused)
	}
	if err == nil {
		if lost := broken(resp); lost != nil {
			err = failed(lost)
		}
	}
	if err != nil {
		_ = resp.Body.Close()
		return store.OriginBody{}, fmt.Errorf("%s of %s: %w", cmp.Or(span, "all"), rec.Key, err)
	}
	got.Body = resp.Body // which broken may have looked into
	return got, nil
}

func rangeOf(off, end int64) string {
	span := "bytes=" + strconv.FormatInt(off, 10) + "-"
	if end >= 0 {
		span += strconv.FormatInt(end-1, 10)
	}
	return span
}

// acceptsNone reports whether the origin says that it gives no ranges (RFC 9110 section 14.3).
func acceptsNone(h http.Header) bool {
	return strings.EqualFold(strings.Join(h["Accept-Ranges"], ","), "none")
}

// continues reports whether a response is rec's representation, or its part from off on, and the
// length that it states. Parts are of one representation only if they have the same strong
// validator (RFC 9110 section 15.3.7.3), so a part that lacks it isn't taken, and neither is one
// that doesn't tell where the whole ends. All that isn't such a part refuses one; but that there is
// another representation by now, a whole one tells for certain.
func continues(rec *store.Record, head *httpcache.Response, contentLength, off int64) (length int64, err error) {
	_, had := strongValidator(rec.Fields())
	_, has := strongValidator(head.Header)
	same := has == had && has != "" && head.Header.Get("Content-Encoding") == rec.Head.Get("Content-Encoding")
	switch {
	case head.Status >= 500 || head.Status == http.StatusTooManyRequests:
		return 0, fmt.Errorf("origin answered %d", head.Status) // it may do better the next time
	case head.Status == http.StatusOK && (!same || rec.Length >= 0 && contentLength >= 0 && contentLength != rec.Length):
		return 0, fmt.Errorf("validator %q has become %q, length %d %d: %w", had, has, rec.Length, contentLength, fill.ErrGone)
	case head.Status == http.StatusOK:
		return cmp.Or(max(contentLength, 0), rec.Length), nil
	case head.Status != http.StatusPartialContent || !same:
		return 0, fmt.Errorf("origin answered %d with validator %q: %w", head.Status, has, store.ErrRefused)
	}
	part, ok := httpcache.ParseContentRange(head.Header)
	if !ok || part.Start != off || (rec.Length >= 0 && part.Total != rec.Length) {
		return 0, fmt.Errorf("origin sent the part %q: %w", head.Header.Get("Content-Range"), store.ErrRefused)
	}
	return part.Total, nil
}

var _ store.Source = (*source)(nil)
