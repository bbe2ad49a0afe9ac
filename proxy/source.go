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
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// source answers the store's questions from the origin.
type source struct{ p *Proxy }

// Prepare is store.Source's.
func (s *source) Prepare(rec *store.Record) any {
	s.p.learnSearch(rec)
	return newView(rec, s.p.policy)
}

// Usable is store.Source's.
func (s *source) Usable(rec *store.Record, request http.Header) (usable, refresh bool) {
	rp, ok := s.p.reuse(rec, request)
	return ok, rp.refresh()
}

// Failed is store.Source's.
func (s *source) Failed(err error) *store.Failure { return failed(err).(*store.Failure) }

// Check is store.Source's. A key of another node must be one that this node would make.
func (s *source) Check(key string) error {
	path, query, hasQuery := strings.Cut(key, "?")
	made, err := keyOf(path, query, hasQuery)
	if err == nil && (made != key || strings.ContainsFunc(query, unsendable)) {
		err = errPath
	}
	return err
}

// Fetch is store.Source's.
func (s *source) Fetch(ctx context.Context, ask *store.Ask, prev *store.Record) (*store.Fetched, error) {
	header := s.fetchHeader(ask)
	if ask.Ranged {
		header["Range"] = ask.Header["Range"]
	}
	ctx = withRequestID(ctx, ask.ID)
	reason, stored := reasonMiss, http.Header(nil)
	if prev != nil {
		stored = prev.Fields()
	}
	if httpcache.AddConditions(header, stored) {
		reason = reasonRevalidate
	}
	key := cmp.Or(ask.Target, ask.Key)
	if prev != nil {
		key = cmp.Or(prev.URL, prev.Key)
	}
	resp, head, err := s.send(because(ctx, reason), key, header)
	if err != nil {
		return nil, err
	}
	if reason == reasonRevalidate && resp.StatusCode == http.StatusNotModified {
		_ = resp.Body.Close()
		if httpcache.Confirms(stored, head.Header) {
			return s.renewed(ask, prev, head), nil
		}
		return s.Fetch(ctx, ask, nil) // it is about another representation than ours
	}
	if prev != nil && failing(resp.StatusCode) && viewOf(prev).facts.StaleOnError(ask.Header, s.p.cfg.Now()) {
		// RFC 9111 section 4.3.3: as if the origin hadn't answered.
		_ = resp.Body.Close()
		return nil, &store.Failure{Status: http.StatusBadGateway, Kind: "http_protocol_error", Err: fmt.Errorf("origin answered %d", resp.StatusCode)}
	}
	return s.fetched(ask, key, resp, head), nil
}

var errSwitched = errors.New("the origin switches to another protocol, which it wasn't asked to")

// failing tells whether a status says that the origin can't answer now (RFC 5861 section 4).
func failing(status int) bool {
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// send sends one GET for key and returns the response with its head as the rules of caching want it.
func (s *source) send(ctx context.Context, key string, header http.Header) (*http.Response, *httpcache.Response, error) {
	ctx = informing(ctx)
	req := (&http.Request{Method: http.MethodGet, URL: target(s.p.places.base, key), Header: header}).WithContext(ctx)
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

// informing makes the interim responses to a request under ctx known to the one who waits for its answer.
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
func (s *source) fetchHeader(ask *store.Ask) http.Header {
	h := httpcache.EndToEnd(ask.Header)
	httpcache.StripConditions(h)
	// They would tell the origin of one client for an answer that is meant for all.
	for _, name := range identifying {
		delete(h, name)
	}
	if ask.Background {
		delete(h, "Cache-Control")
		delete(h, "Pragma")
	}
	if len(h["Authorization"]) > 0 { // such an answer is for one, unless it says otherwise
		maps.Copy(h, ask.From)
	}
	s.p.mark(h, ask.Proto)
	return h
}

// renewed is prev with what a 304 has told.
func (s *source) renewed(ask *store.Ask, prev *store.Record, head *httpcache.Response) *store.Fetched {
	rec := prev.Clone()
	rec.RetryAfter = 0
	rec.URL = cmp.Or(prev.URL, prev.Key)
	head.Status, head.Header = rec.Status, httpcache.Freshen(prev.Fields(), head.Header)
	s.describe(rec, ask, head)
	if (rec.Part != store.Part{}) {
		head.Status = http.StatusOK // of which it is a part
	}
	storable, _ := s.p.policy.Storable(http.MethodGet, ask.Header, head) // a 304 may bring a no-store
	return &store.Fetched{Record: rec, Renewed: true, Storable: storable}
}

// describe sets what rec is to say of a response with that head, and of the request that it answers.
func (s *source) describe(rec *store.Record, ask *store.Ask, head *httpcache.Response) {
	rec.SetFields(head.Header)
	rec.SetTimes(head.RequestTime, head.ResponseTime)
	rec.Variant = ""
	if rec.Vary, _ = httpcache.VaryNames(head.Header); len(rec.Vary) > 0 {
		rec.Variant = httpcache.Selecting(rec.Vary, ask.Header)
	}
	rec.SetSelecting(selectingFields(rec.Vary, ask.Header))
	rec.Groups = httpcache.Groups(head.Header, s.p.cfg.GroupFields)
}

// fetched says what is to become of a response.
func (s *source) fetched(ask *store.Ask, url string, resp *http.Response, head *httpcache.Response) *store.Fetched {
	rec := store.NewRecord()
	rec.URL, rec.Status, rec.Length = url, head.Status, resp.ContentLength
	f := &store.Fetched{Record: rec, Body: resp.Body, Trailer: func() http.Header { return httpcache.Trailer(resp.Trailer) }}
	switch {
	case rec.Status == http.StatusPartialContent:
		s.partial(ask, f, head)
	case ask.Ranged && rec.Status != http.StatusOK: // it is about the range: a 416 above all
	default:
		f.Storable, _ = s.p.policy.Storable(http.MethodGet, ask.Header, head)
	}
	f.Private = ask.Ranged || len(ask.Header["Authorization"]) > 0 || s.p.policy.RequestDirectives(ask.Header).Has("no-store")
	s.describe(rec, ask, head)
	condition := ""
	f.Validator, condition = strongValidator(head.Header)
	if (rec.Part != store.Part{}) { // which shares its validator with other parts
		f.Validator = ""
		return f
	}
	if f.To > 0 {
		rec.Rangeable, rec.Resumable = true, true // it has just shown that it gives ranges
		return f
	}
	if rec.Status == http.StatusOK && condition != "" {
		accepts := strings.ToLower(strings.Join(head.Header["Accept-Ranges"], ","))
		rec.Rangeable = strings.Contains(accepts, "bytes")
		rec.Resumable = accepts != "none"
	}
	return f
}

// partial says what is to become of a 206, if it may be stored (RFC 9111 section 3.3): where a strong validator names the whole,
// the record is that of the whole, some of whose content is at hand; else it is a part, to answer requests like the one it came
// for.
func (s *source) partial(ask *store.Ask, f *store.Fetched, head *httpcache.Response) {
	rec := f.Record
	part, ok := httpcache.ParsePart(head.Header, rec.Length)
	validator, _ := strongValidator(head.Header)
	whole := validator != "" && part.Total < 1<<60
	head.Status = http.StatusOK // of which it is a part
	f.Storable, _ = s.p.policy.Storable(http.MethodGet, ask.Header, head)
	// One that has had us ask for the rest in vain isn't to do so again.
	if f.Storable = f.Storable && ok && ask.Gone == "" && (whole || part.Answers(ask.Header)); !f.Storable {
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

// selectingFields are the request's fields that a later request for a part has to repeat, to be answered from the same
// representation.
func selectingFields(vary []string, request http.Header) http.Header {
	h := http.Header{}
	for _, name := range append([]string{"Accept-Encoding"}, vary...) {
		if values, ok := request[name]; ok {
			h[name] = values
		}
	}
	return h
}

// strongValidator returns what the version derives from, and the value of the If-Range that names it. Both are empty
// if h has no strong validator.
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
func (s *source) Open(ctx context.Context, rec *store.Record, off, end int64) (body fill.Body, length int64, err error) {
	_, condition := strongValidator(rec.Fields())
	header := rec.Selecting.Header()
	s.p.mark(header, "HTTP/1.1")
	header.Set("If-Range", condition)
	span := "bytes=" + strconv.FormatInt(off, 10) + "-"
	if end >= 0 {
		span += strconv.FormatInt(end-1, 10)
	}
	header.Set("Range", span)
	resp, head, err := s.send(because(ctx, reasonRange), cmp.Or(rec.URL, rec.Key), header)
	if err != nil {
		return nil, 0, err
	}
	if length, err = matches(rec, head, off); err != nil {
		_ = resp.Body.Close()
		return nil, 0, fmt.Errorf("%s of %s: %w", span, rec.Key, err)
	}
	return resp.Body, length, nil
}

// matches tells whether a response to a request for a part is that part of rec's representation, and the length that it
// states. Parts are of one representation only if they have the same strong validator (RFC 9110 section 15.3.7.3), so
// a part that lacks it isn't taken, and neither is one that doesn't tell where the whole ends.
func matches(rec *store.Record, head *httpcache.Response, off int64) (length int64, err error) {
	_, had := strongValidator(rec.Fields())
	_, has := strongValidator(head.Header)
	switch {
	case head.Status >= 500 || head.Status == http.StatusTooManyRequests:
		return 0, fmt.Errorf("origin answered %d", head.Status) // it may do better the next time
	case head.Status != http.StatusPartialContent:
		return 0, fmt.Errorf("origin answered %d to a range: %w", head.Status, fill.ErrGone)
	case has != had:
		return 0, fmt.Errorf("validator %q has become %q: %w", had, has, fill.ErrGone)
	case head.Header.Get("Content-Encoding") != rec.Head.Get("Content-Encoding"):
		return 0, fmt.Errorf("another content coding: %w", fill.ErrGone)
	}
	field := head.Header.Get("Content-Range")
	part, ok := httpcache.ParseContentRange(head.Header)
	if !ok || part.Start != off || (rec.Length >= 0 && part.Total != rec.Length) {
		return 0, fmt.Errorf("origin sent the part %q: %w", field, fill.ErrGone)
	}
	return part.Total, nil
}

var _ store.Source = (*source)(nil)
