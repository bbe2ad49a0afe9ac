package serve

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
)

// Hit is an answer from this node's memory, for a lane that writes responses by itself. A Hit is
// used again and again, by one goroutine.
type Hit struct {
	Status int

	d     decide.Decision
	head  *head
	span  httpcache.Range // of the content, in a 206
	owner string
	rd    store.Reader
}

// Hit makes h the answer to q, and reports whether that is a hit: a fresh record answers, or a part
// of it, and what is sent of the content is in memory. It has to be closed then. Hit asks no one,
// and waits for nothing.
func (s *Server) Hit(q *decide.Request, h *Hit) bool {
	found := s.find(q, h)
	if !found {
		*h = Hit{} // it holds no content that isn't accounted for
	}
	return found
}

// CountHit counts a Hit that is being sent.
func (s *Server) CountHit() { s.outcomes[decide.OutcomeHit].Add(1) }

func (s *Server) find(q *decide.Request, h *Hit) bool {
	if _, ok := s.Rules.AtOnce(q); ok {
		return false
	}
	var f decide.Found
	if s.Lookup(q, &f); f.Record == nil || f.Record.Length < 0 {
		return false
	}
	h.d = s.Rules.Decide(q, &f)
	if h.d.Action != decide.Serve || h.d.Outcome != decide.OutcomeHit || h.d.Peer != "" {
		return false
	}
	rec := h.d.Record
	h.head = s.head(rec)
	rep := decide.Represent(q, rec, h.head.header)
	if !h.represents(rep) || !rep.Empty && !h.holds(s, rep) {
		return false
	}
	h.owner = s.owner(h.head, q.Resource)
	return true
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
func (h *Hit) holds(s *Server, rep decide.Representation) bool {
	rec := h.d.Record
	start, end := int64(0), rec.Length
	if rep.Parts != nil {
		start = h.span.Start - rec.Part.Start
		end = start + h.span.Length
	}
	s.Store.Reader(&h.rd, nobody, rec, start, end)
	if h.rd.Held() {
		return true
	}
	h.rd.Close()
	return false
}

// AppendContent appends the content to b, piece by piece. It isn't to be changed.
func (h *Hit) AppendContent(b [][]byte) [][]byte { return h.rd.AppendHeld(b) }

// Entry is what the access log tells of h.
func (h *Hit) Entry() logging.Entry {
	return logging.Entry{Cache: h.d.Outcome.String(), Source: "memory", Owner: h.owner,
		Version: h.d.Record.Version, Age: h.d.Use.Age, HasAge: true}
}

// Close lets go of the content.
func (h *Hit) Close() {
	h.rd.Close()
	*h = Hit{}
}
