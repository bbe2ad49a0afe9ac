package serve

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
)

// Hit is an answer from memory, for a lane that writes responses by itself. A Hit is used again and
// again, by one goroutine.
type Hit struct {
	Status int

	d     decide.Decision
	head  *head
	span  httpcache.Range // of the content, in a 206
	owner string
	rd    store.Reader
}

// Hit makes h the answer to q, and reports whether that is a hit: a fresh record answers, or a part
// of it, and what is sent of the content is in memory. It has to be closed then. If ask is set, the
// nodes that own what is missing here are asked for it, which answer at once. Nothing else is
// waited for. The resource may be a view of a buffer.
func (s *Server) Hit(q *decide.Request, h *Hit, ask bool) bool {
	found := s.find(q, h, ask)
	if !found {
		*h = Hit{} // it holds no content that isn't accounted for
	}
	return found
}

// CountHit counts a Hit that is being sent.
func (s *Server) CountHit() { s.outcomes[decide.OutcomeHit].Add(1) }

func (s *Server) find(q *decide.Request, h *Hit, ask bool) bool {
	if _, ok := s.Rules.AtOnce(q); ok {
		return false
	}
	var f decide.Found
	s.Lookup(q, &f)
	peer, chunk := "", []byte(nil)
	if f.Record == nil && ask {
		peer, chunk = s.askOwner(q, &f)
	}
	if f.Record == nil || f.Record.Length < 0 {
		return false
	}
	h.d = s.Rules.Decide(q, &f)
	if h.d.Action != decide.Serve || h.d.Outcome != decide.OutcomeHit || h.d.Peer != "" {
		return false
	}
	h.d.Peer, h.d.Chunk = peer, chunk
	rec := h.d.Record
	h.head = s.head(rec)
	rep := decide.Represent(q, rec, h.head.header)
	if !h.represents(rep) || !rep.Empty && !h.holds(s, rep, ask) {
		return false
	}
	h.owner = s.owner(h.head, q.Resource)
	return true
}

// askOwner makes the record in f what another node has stored for q that owns it. It returns the
// owner's name then, and the first chunk, if that has come with the record.
func (s *Server) askOwner(q *decide.Request, f *decide.Found) (peer string, chunk []byte) {
	if s.Store.Owner(f.Key) == "" {
		return "", nil
	}
	resource := strings.Clone(q.Resource)
	req := &store.Request{
		Key: strings.Clone(f.Key), Head: q.Head(), Whole: q.Whole(),
		Fields: store.Fields{Header: q.Header, Proto: "HTTP/1.1"},
	}
	if s.Site.NoVarySearch {
		req.Target = resource
	}
	res := s.Store.Peek(context.Background(), req)
	if res == nil {
		return "", nil
	}
	defer res.Close()
	if s.answers(res.Record, resource) {
		f.Record = res.Record
	}
	return res.Peer, res.Chunk
}

// nobody is the client of readers that ask no one.
var nobody = new(store.Fields)

// represents takes in how the record answers, and reports whether h can say that.
func (h *Hit) represents(rep decide.Representation) bool {
	h.Status = rep.Status
	switch {
	case len(rep.Parts) == 1:
		h.span = rep.Parts[0]
		return h.head.header["Content-Range"] == nil // which would stand beside ours
	case rep.Parts != nil:
		return false
	case rep.Status == http.StatusNotModified:
		return true
	}
	return rep.Status == h.d.Record.Status && http.StatusText(rep.Status) != ""
}

// holds makes h read the content, and reports whether that is in memory.
func (h *Hit) holds(s *Server, rep decide.Representation, ask bool) bool {
	rec := h.d.Record
	start, end := int64(0), rec.Length
	if rep.Parts != nil {
		start = h.span.Start - rec.Part.Start
		end = start + h.span.Length
	}
	s.Store.Reader(&h.rd, nobody, rec, start, end)
	h.rd.Give(h.d.Chunk)
	h.d.Chunk = nil
	if h.rd.Held(ask) {
		h.d.Peer = cmp.Or(h.d.Peer, h.rd.Peer())
		return true
	}
	h.rd.Close()
	return false
}

// AppendContent appends the content to b, piece by piece. It isn't to be changed.
func (h *Hit) AppendContent(b [][]byte) [][]byte { return h.rd.AppendHeld(b) }

// Entry is what the access log tells of h.
func (h *Hit) Entry() logging.Entry {
	e := logging.Entry{
		Cache: h.d.Outcome.String(), Source: "memory", Owner: h.owner, Peer: h.d.Peer,
		Version: h.d.Record.Version, Age: h.d.Use.Age, HasAge: true,
	}
	if e.Peer != "" {
		e.Source = "peer"
	}
	return e
}

// Close lets go of the content.
func (h *Hit) Close() {
	h.rd.Close()
	*h = Hit{}
}
