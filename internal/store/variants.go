package store

import (
	"net/http"
	"slices"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// The records of one key are variants of each other (RFC 9111 section 4.1). They are told apart by
// all fields that the Vary of any of them names: an origin may name a field only to those who send
// it, and a response that doesn't name it may still be meant for the others only. So a record
// remembers of its request more than its own Vary asks for: a hash of each field.

// merged is the names in a and b, each once; both are sorted.
func merged(a, b []string) []string {
	switch {
	case !slices.ContainsFunc(b, func(name string) bool { return !slices.Contains(a, name) }):
		return a
	case len(a) == 0:
		return b
	}
	names := slices.Concat(a, b)
	slices.Sort(names)
	return slices.Compact(names)
}

// varyFor returns the fields that tell those of e's variants apart that a HEAD may select, or a
// GET: those that any response names, or, if none is stored, any note that one isn't.
func (e *entry) varyFor(head bool) []string {
	var stored, noted []string
	some := false
	for _, rec := range e.variants {
		switch {
		case rec.HeadOnly && !head:
		case rec.Pass:
			noted = merged(noted, rec.Vary)
		default:
			stored, some = merged(stored, rec.Vary), true
		}
	}
	if some {
		return stored
	}
	return noted
}

// most is how many records of r's kind a key may have.
func (r *Record) most() int {
	switch {
	case r.HeadOnly:
		return maxHeads
	case r.Part != Part{}:
		return maxParts
	}
	return maxVariants
}

// surplus returns which of variants has to go, since with rec there are too many of its kind, or
// -1. It is the oldest, but for one without which it wouldn't be known what tells the others apart.
func surplus(variants []*Record, rec *Record) int {
	var like []int
	for i, r := range variants {
		if r != rec && r.HeadOnly == rec.HeadOnly && (r.Part == Part{}) == (rec.Part == Part{}) {
			like = append(like, i)
		}
	}
	if len(like) < rec.most() {
		return -1
	}
	named := map[string]int{}
	for _, r := range variants {
		for _, name := range r.Vary {
			named[name]++
		}
	}
	for _, i := range slices.Backward(like) {
		if !slices.ContainsFunc(variants[i].Vary, func(name string) bool { return named[name] == 1 }) {
			return i
		}
	}
	return like[len(like)-1]
}

// varyLocked returns the fields that tell the variants of key apart.
func (s *Store) varyLocked(key string, head bool) []string {
	if e, ok := s.entries[key]; ok {
		return e.varyFor(head)
	}
	return nil
}

// selects reports whether request selects rec by the Vary of rec itself.
func (s *Store) selects(rec *Record, request http.Header) bool {
	return (rec.Part == Part{} || httpcache.Part(rec.Part).Answers(request)) &&
		(len(rec.Vary) == 0 || httpcache.Selecting(rec.Vary, request) == rec.Variant)
}

// agrees reports whether request has in the fields of names that rec's Vary leaves out what the
// request had that rec answers. Of a request that isn't remembered this isn't known. A note that a
// response isn't stored is for all requests that its Vary doesn't exclude.
func (s *Store) agrees(rec *Record, names []string, request http.Header) bool {
	if rec.Pass {
		return true
	}
	for _, name := range names {
		if slices.Contains(rec.Vary, name) {
			continue
		}
		if p := rec.asking.imprint(); p == "" || s.field(p, name) != s.fieldOf(request, name) {
			return false
		}
	}
	return true
}

// alike reports whether a and b are the same variant where names tell variants apart.
func (s *Store) alike(a, b *Record, names []string) bool {
	same := slices.Equal(a.Vary, b.Vary)
	if same && a.Variant != b.Variant {
		return false
	}
	of, other := a.asking.imprint(), b.asking.imprint()
	for _, name := range names {
		if same && slices.Contains(a.Vary, name) {
			continue
		}
		if of == "" || other == "" || s.field(of, name) != s.field(other, name) {
			return false
		}
	}
	return true
}

// variantLocked names the variant that is asked for; "" if it isn't known what selects.
func (s *Store) variantLocked(req *Request) string {
	return s.variantBy(s.varyLocked(req.Key, req.Head), req.Header)
}

func (s *Store) variantBy(names []string, request http.Header) string {
	if len(names) == 0 {
		return ""
	}
	return "by " + httpcache.Selecting(names, request)
}

// answersFlight reports whether rec, with which a flight for variant came back, answers all
// requests of that variant; if it doesn't, own names the one that is asked for.
func (s *Store) answersFlight(rec *Record, variant string, req *Request) (own string, ok bool) {
	s.mu.Lock()
	names := merged(s.varyLocked(rec.Key, req.Head), rec.Vary)
	s.mu.Unlock()
	own = s.variantBy(names, req.Header)
	return own, s.selects(rec, req.Header) && (own == variant || s.agrees(rec, names, req.Header))
}

// offeredTo is rec for the node that has asked for it. That node may not know the other variants,
// so what tells them apart becomes rec's Vary there.
func (s *Store) offeredTo(rec *Record, req *Request) *Record {
	s.mu.Lock()
	names := merged(rec.Vary, s.varyLocked(rec.Key, req.Head))
	s.mu.Unlock()
	if slices.Equal(names, rec.Vary) {
		return rec
	}
	return rec.with(func(r *Record) {
		r.Vary, r.Variant = names, httpcache.Selecting(names, req.Header)
		selecting := r.Selecting()
		for _, name := range names {
			if values, ok := req.Header[name]; ok {
				selecting[name] = values
			}
		}
		r.SetSelecting(selecting)
	})
}

// amongLocked is f's request with what is stored for other requests, if an answer to this one may
// be made of it.
func (s *Store) amongLocked(f *flight) *Request {
	e, ok := s.entries[f.req.Key]
	if !ok || f.prev != nil || f.req.Head || f.req.Alone || f.req.Ranged || f.req.Gone != "" {
		return f.req
	}
	among := *f.req
	among.Variants = slices.DeleteFunc(slices.Clone(e.variants), func(rec *Record) bool { return rec.Pass || rec.HeadOnly })
	return &among
}

// shareVersion stores the record that the origin's answer has made of another variant, whose bytes
// the two share.
func (s *Store) shareVersion(x *exchange) *Result {
	rec := x.Record
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.Version = x.Variant.Version
	now := s.currentLocked(x.Variant)
	if now != nil {
		rec.Length = now.Length // a fill may have ended meanwhile
	}
	if now != nil && x.Storable && !s.overtakenLocked(rec, rec.Generation) {
		rec.Generation = now.Generation
		s.installLocked(rec)
	}
	return &Result{Record: rec, Renewed: true, Status: http.StatusNotModified}
}
