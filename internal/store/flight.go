package store

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
)

// Request is a client's request.
type Request struct {
	Key        string
	Target     string      // the key of the resource that is asked for, if it isn't Key
	Header     http.Header // the client's end-to-end fields; not to be changed
	From       http.Header // fields that tell the origin who asks, if it is asked for this one alone
	Proto      string      // the protocol of the client's request, as in "HTTP/1.1"
	Cause                  // the client's request
	Head       bool        // it is a HEAD: what is stored of the answer to another one will do, too
	Whole      bool        // the client wants the content from its first byte to its last
	Alone      bool        // no one else's answer will do
	Gone       string      // the version that was tried, and whose bytes turned out to be had no more
	Stored     bool        // only what is stored will do; the origin isn't to be asked
	Background bool        // nobody waits for the answer, so that what the client wishes to be answered is no matter
	Ranged     bool        // the origin is to be asked for the range that the client wants, since the whole isn't kept

	// Variants are what is stored for other requests than this one, when the origin is asked for
	// what nothing is stored of.
	Variants []*Record

	// Inform, if not nil, is called with the interim responses (1xx) to the request that is made
	// for this request, on the goroutine that has called Fetch.
	Inform func(status int, header http.Header)

	// For is the name of the peer that this is asked for, if it isn't a client of this node.
	For string
}

// takes reports whether rec is what a asks for, if it is a part that it asks for.
func (req *Request) takes(rec *Record) bool { return !req.Ranged || rec.Part != Part{} }

// Why is why an owner has asked the origin, where that isn't this node.
type Why int

// What an owner had stored.
const (
	Nothing Why = iota
	Outdated
	Unwanted // it was fresh, but not by the request's directives
	OtherVariants
)

// Result is what Fetch found. It must be closed.
type Result struct {
	Record    *Record
	Collapsed bool      // another client's request was answered
	Found     bool      // the owner had it stored, and didn't ask the origin
	Why       Why       // the owner asked the origin
	Peer      string    // the owner by way of which it came, if that isn't this node
	Renewed   bool      // the origin said that the stored response is still good
	Status    int       // of the origin's response to this very request; 0 if it was fetched for another
	Body      fill.Body // of a response that isn't stored, for the one who asked only

	// Trailer returns the trailer fields that have come after Body, once that has been read to its
	// end.
	Trailer func() http.Header

	follower *fill.Follower // at the body's first byte
	run      *run           // that it follows
}

// Close lets go of what the answer holds. A Reader made from it has taken its share.
func (res *Result) Close() {
	if res.Body != nil {
		_ = res.Body.Close()
	}
	if res.follower != nil {
		res.follower.Close()
		res.follower = nil
	}
}

// Cancel ends the request that Body comes from, so that a Read of it returns. It may be called
// while Body is in use.
func (res *Result) Cancel() {
	if body, ok := res.Body.(*cancelling); ok {
		body.cancel()
	}
}

// Quiet reports whether nothing of Body has come yet.
func (res *Result) Quiet() bool {
	c, _ := res.Body.(*cancelling)
	if c == nil {
		return false
	}
	b, ok := c.Body.(interface{ Quiet() bool })
	return ok && b.Quiet()
}

func (res *Result) trailer() http.Header {
	if res.Trailer == nil {
		return nil
	}
	return res.Trailer()
}

// flight is one request on its way through the records group, as its groups.Loader.
type flight struct {
	context.Context
	store *Store
	req   *Request
	prev  *Record

	variant    string // "" if it wasn't known what selects
	generation uint64 // of the key, when it took off
	since      uint64 // how many groups had been invalidated by then
	varied     uint64 // Store.varied, by then
	verdict    error  // what the owner has found out, which settles it for this node too
	interim    chan interim
	key        string // in the records group
	done       chan landed
	refused    <-chan struct{} // closed when it is to wait no more; nil for a client's
	fetchedAt  uint64          // there had been so many when the origin was asked

	mu     sync.Mutex
	answer *Result // set by the getter, if it was this flight's that ran
	left   bool    // the one who asked has gone
}

// interim is an interim response (RFC 9110 section 15.2).
type interim struct {
	status int
	header http.Header
}

// Fetch is groups.Loader's.
func (f *flight) Fetch(context.Context) ([]byte, error) { return f.store.fetchRecord(f) }

// Load is groups.Loader's.
func (f *flight) Load(context.Context) ([]byte, error) { return f.store.load(f) }

// maxInterim is how many interim responses may wait for the one who asked; more are lost.
const maxInterim = 128

// inform hands an interim response on to the requester, without waiting for it.
func (f *flight) inform(status int, header http.Header) {
	select {
	case f.interim <- interim{status, header}:
	default:
	}
}

// Informer returns what is to be called with interim responses to a request that is made under a
// Fetch's ctx; nil if nobody wants them.
func Informer(ctx context.Context) func(status int, header http.Header) {
	if f, ok := ctx.Value(flightKey{}).(*flight); ok && f.interim != nil {
		return f.inform
	}
	return nil
}

type flightKey struct{}

func (f *flight) Value(key any) any {
	if key == (flightKey{}) {
		return f
	}
	return f.Context.Value(key)
}

// settle notes the answer, or closes it if nobody is there to take it.
func (f *flight) settle(res *Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left {
		res.Close()
		return
	}
	f.answer = res
}

// leave gives up waiting.
func (f *flight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = true
	if f.answer != nil {
		f.answer.Close()
	}
}

// Fetch brings a record that is newer than prev, which is nil or the stored response that the
// caller found wanting, by way of its owner: from the origin, or, with Found set, from what the
// owner has stored, which may not do for ask. Concurrent requests for the same variant share one
// origin request; a HEAD is one of its own, unless a GET can tell without content whether prev is
// still good. The request goes on if ctx ends: others may wait for it. The record may say Pass;
// then Body is set for the one whose request it was.
func (s *Store) Fetch(ctx context.Context, req *Request, prev *Record) (*Result, error) {
	if req.Head && prev != nil && !prev.HeadOnly && httpcache.Validatable(prev.Fields()) {
		get := *req
		get.Head, req = false, &get
	}
	variant := s.variantNow(req)
	for {
		res, err := s.fly(ctx, req, prev, variant)
		if errors.Is(err, errVariantKnown) {
			variant = s.variantNow(req)
			continue
		}
		if landedBefore(prev, res, err) || req.For == "" && errors.Is(err, ErrBusy) { // it was a peer's flight, which had no room
			continue
		}
		if req.For != "" && errors.Is(err, errNoRoom) {
			return nil, ErrBusy // it is no verdict on the origin
		}
		if failed, ok := errors.AsType[*Failure](err); ok && failed.Stored != nil {
			own, ok := s.answersFlight(failed.Stored, variant, req)
			if !ok && own != variant { // the failure is another variant's
				variant, prev = own, nil
				continue
			}
			if !ok {
				return nil, failed.alone()
			}
		}
		if err != nil || !res.Collapsed {
			return res, err
		}
		own, ok := s.answersFlight(res.Record, variant, req)
		switch {
		case ok:
			return res, nil
		case own == variant: // an origin whose Vary is another each time
			alone := *req
			alone.Alone = true
			return s.fly(ctx, &alone, nil, own)
		}
		variant, prev = own, nil // the answer is another variant's: ask for our own
	}
}

// errVariantKnown ends a flight that took off before it was known what selects a variant, and got
// to the getter after: the request for the variant at hand may already be under way in a flight of
// its own.
var errVariantKnown = errors.New("it is known by now what selects")

// landedBefore reports whether a flight has brought what its asker knew before, and found wanting.
// What a flight brings can be seen before the flight is over, so it may have been joined in the
// moment between.
func landedBefore(prev *Record, res *Result, err error) bool {
	if prev == nil {
		return false
	}
	if err != nil {
		failure, ok := errors.AsType[*Failure](err)
		return ok && failure == prev.failure
	}
	return res.Collapsed && !res.Found && !res.Record.newer(prev)
}

func (s *Store) variantNow(req *Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.variantLocked(req)
}

// fly asks the records group, off the caller's goroutine, so that no one's context but the store's
// ends the flight.
func (s *Store) fly(ctx context.Context, req *Request, prev *Record, variant string) (*Result, error) {
	f := &flight{Context: s.base, store: s, req: req, prev: prev, variant: variant}
	if req.Inform != nil {
		f.interim = make(chan interim, maxInterim)
	}
	s.mu.Lock()
	ok := s.beginLocked()
	f.generation, f.since = s.generationLocked(req.Key), s.groups.count
	f.varied = s.varied.of(s.cfg.Keys.CanonicalKey(req.Key))
	s.mu.Unlock()
	if !ok {
		return nil, context.Canceled
	}
	f.key = s.flightKey(f)
	peer := req.For != ""
	if peer && !s.records.BeginServing(f.key) {
		s.work.Done()
		return nil, ErrBusy
	}
	f.refused = s.audiences.join(f.key, peer)
	defer s.audiences.leave(f.key, peer)
	f.done = make(chan landed, 1)
	go func() {
		defer s.work.Done()
		b, err := s.records.Get(s.base, f.key, f)
		if peer {
			s.records.EndServing(f.key)
		}
		f.done <- landed{b, err}
	}()
	return s.await(ctx, f, req)
}

// landed is what the records group has for one who waits for a flight.
type landed struct {
	encoded []byte
	err     error
}

// await waits for f, which is for ask, to be done, but no longer than until ctx ends, or it is
// refused.
func (s *Store) await(ctx context.Context, f *flight, req *Request) (*Result, error) {
	for {
		select {
		case i := <-f.interim:
			req.Inform(i.status, i.header)
		case l := <-f.done:
			for len(f.interim) > 0 {
				i := <-f.interim
				req.Inform(i.status, i.header)
			}
			switch {
			case l.err != nil:
				return nil, l.err
			case f.answer != nil:
				return f.answer, nil
			}
			return s.shared(req, l.encoded)
		case <-f.refused:
			f.leave()
			return nil, ErrBusy
		case <-ctx.Done():
			f.leave()
			return nil, context.Cause(ctx)
		}
	}
}

// shared makes the answer for one whose request another's flight answered.
func (s *Store) shared(req *Request, encoded []byte) (*Result, error) {
	fr, err := decodeFlightResult(encoded, s.cfg.Now())
	if err != nil {
		return nil, err
	}
	s.adopt(req.Key, fr.rec)
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.successorLocked(fr.rec); now != nil {
		fr.rec = now
	}
	return &Result{Record: fr.rec, Collapsed: true, Found: fr.found, Peer: fr.peer}, nil
}

// fits reports whether a record that another node sent may be one of key's: whatever it says, the
// origin is asked for nothing else.
func (s *Store) fits(rec *Record, key string) bool {
	return rec.URL == "" || rec.URL == key || s.cfg.Keys.Check(rec.URL) == nil && s.cfg.Keys.CanonicalKey(rec.URL) == s.cfg.Keys.CanonicalKey(key)
}

// adopt makes a record that was decoded one of key's.
func (s *Store) adopt(key string, rec *Record) {
	url := cmp.Or(rec.URL, key)
	if rec.Key = s.cfg.Keys.KeyOf(url, rec.Header()); rec.URL == rec.Key || rec.Key == url {
		rec.URL = ""
	} else {
		rec.URL = url
	}
	if rec.ringEpoch == 0 {
		rec.ringEpoch = s.ringEpoch()
	}
	if rec.first == "" && rec.Version != "" {
		s.name(rec)
	}
	s.cfg.prepare(rec)
}
