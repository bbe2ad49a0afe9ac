package serve

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
)

// head is a record made ready for answers, so that a hit has little left to do.
type head struct {
	rec    *store.Record
	header http.Header // as the origin sent it; it isn't to be changed
	// but Age, Cache-Status and what depends on the part that is sent
	fields      []field
	unmodified  []field  // those of fields that a 304 has
	length      []string // Content-Length, if the length is known
	dated       bool     // they have a Date
	cacheStatus []string // the origin's own, which ours is appended to
	aged        atomic.Pointer[aged]
	// the lines of fields and of unmodified, once they have been asked for
	raw, rawUnmodified atomic.Pointer[[]byte]
	owner              atomic.Pointer[ownerAt]
}

// field is a header field. Its values are shared between answers and never changed.
type field struct {
	name   string
	values []string
}

// aged is what changes from second to second in the answers of a fresh record.
type aged struct {
	second      time.Duration
	age, status []string
	lines       []byte // of both
}

// heads are those of the records that have been used lately, where their revisions place them. A
// head takes more memory than its record, so that only these have one.
type heads [1 << 11]atomic.Pointer[head]

// head returns rec's head.
func (s *Server) head(rec *store.Record) *head {
	place := &s.heads[rec.Revision%uint64(len(s.heads))]
	if known := place.Load(); known != nil && known.rec == rec {
		return known
	}
	made := newHead(rec, s.Site)
	place.Store(made)
	return made
}

// newHead prepares rec for answers to clients, who see the origin's URLs as those of the site.
func newHead(rec *store.Record, s *site.Site) *head {
	h := &head{rec: rec, header: rec.Header()}
	h.dated = h.header["Date"] != nil
	if h.header["Content-Type"] == nil {
		// without one, net/http would make one up
		h.fields = append(h.fields, field{name: "Content-Type"})
	}
	for name, values := range h.header {
		switch name {
		case "Content-Length", "Age":
			continue
		case "Cache-Status":
			h.cacheStatus = values
			continue
		case "Location", "Content-Location":
			values = s.ForClients(values, rec.Key)
		}
		h.fields = append(h.fields, field{name, values})
	}
	// RFC 9110 section 15.4.5
	h.unmodified = slices.DeleteFunc(slices.Clone(h.fields), func(f field) bool {
		return f.name == "Content-Type" || f.name == "Content-Encoding" ||
			f.name == "Last-Modified" && h.header["Etag"] != nil
	})
	if rec.Length >= 0 && httpcache.HasContent(rec.Status) {
		h.length = []string{strconv.FormatInt(rec.Length, 10)}
	}
	return h
}

// put sets the fields of h in header, for a response with that status and age.
func (h *head) put(header http.Header, status int, age time.Duration) {
	fields := h.fields
	if status == http.StatusNotModified && status != h.rec.Status {
		fields = h.unmodified
	}
	for _, f := range fields {
		header[f.name] = f.values
	}
	header["Age"] = h.at(age).age
}

// at returns the fields of the second that age is in, as of a hit.
func (h *head) at(age time.Duration) *aged {
	second := age.Truncate(time.Second)
	if a := h.aged.Load(); a != nil && a.second == second {
		return a
	}
	a := &aged{
		second: second,
		age:    []string{strconv.FormatInt(int64(second/time.Second), 10)},
		status: h.status(decide.CacheStatus{Hit: true, TTL: h.rec.Facts.Lifetime - second,
			HasTTL: true}),
	}
	a.lines = fieldLines(http.Header{"Age": a.age, "Cache-Status": a.status})
	h.aged.Store(a)
	return a
}

// status appends ours to the origin's Cache-Status.
func (h *head) status(c decide.CacheStatus) []string {
	c.Key = h.rec.Key
	return append(slices.Clip(h.cacheStatus), c.String())
}

// lines are the field lines of h in a response with that status, but those that put leaves out, and
// Age and Cache-Status.
func (h *head) lines(status int) []byte {
	known, fields := &h.raw, h.fields
	if status == http.StatusNotModified && status != h.rec.Status {
		known, fields = &h.rawUnmodified, h.unmodified
	}
	if made := known.Load(); made != nil {
		return *made
	}
	header := http.Header{}
	for _, f := range fields {
		header[f.name] = f.values
	}
	made := fieldLines(header)
	known.Store(&made)
	return made
}

// fieldLines are the fields of header as net/http writes them.
func fieldLines(header http.Header) []byte {
	var b bytes.Buffer
	_ = header.Write(&b) // memory can't fail
	return b.Bytes()
}

// ownerAt is a record's owner, for as long as the ring stays as it is.
type ownerAt struct {
	epoch uint64
	name  string
}

// owner is the name of the node that owns resource, which the record of h answers.
func (s *Server) owner(h *head, resource string) string {
	if resource != h.rec.Key {
		return s.Store.Owner(resource)
	}
	epoch := s.Store.RingEpoch()
	if known := h.owner.Load(); known != nil && known.epoch == epoch {
		return known.name
	}
	found := &ownerAt{epoch, s.Store.Owner(resource)}
	h.owner.Store(found)
	return found.name
}
