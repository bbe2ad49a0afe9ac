package store

import (
	"net/http"
	"time"
)

// Record is what is known of one stored response but its bytes. A Record is never changed once it has left the store:
// a newer one takes its place.
type Record struct {
	Key        string // cache key
	URL        string // the key of the resource that the origin was asked for, if it isn't Key
	Vary       []string
	Variant    string // what the request that this answers has in the Vary fields, by Config.Selecting
	Generation uint64
	Version    string // names the bytes: equal versions have equal bytes
	Revision   uint64 // names the exchange with the origin that made or last validated it

	Status                    int
	Header                    http.Header // end-to-end fields as the origin sent them
	Undated                   bool        // the origin sent no Date: the one in Header is ResponseTime cut to the second
	RequestTime, ResponseTime time.Time   // of the exchange that made or last validated it
	Length                    int64       // of the content in bytes, -1 while unknown

	// Trailer are the trailer fields (RFC 9110 section 6.5), as far as they have come and are known.
	Trailer http.Header

	// Rangeable means that the origin gives any part by a range, under a validator that forbids mixing; Resumable,
	// that it may give at least the rest of a body whose connection was lost. OneSlab, which the store sets, means
	// that the bytes are fetched, and their chunks counted, in one slab whatever their length.
	Rangeable, Resumable, OneSlab bool

	// Part is what of a representation the response holds that can't be joined with others to the whole (RFC 9111 section
	// 3.3): it answers for no more. Its content, and so Length, is the part's alone. The zero Part means all.
	Part Part

	// HeadOnly means that the response answers a HEAD and has no content here. It answers only
	// HEADs, and its Length is what it says of the content.
	HeadOnly bool

	// Pieces means that of the content some may be held in pieces that aren't whole chunks.
	Pieces bool

	// RetryAfter is when a validation may be tried again that has failed.
	RetryAfter time.Time

	// Pass means that the response isn't stored: questions are to go to the origin, each for itself, until
	// PassUntil.
	Pass      bool
	PassUntil time.Time

	// Selecting are the fields of the request that a request for a part of the content has to repeat.
	Selecting http.Header

	// Groups are the names of the groups that the response belongs to (RFC 9875), which may be invalidated together.
	Groups []string

	// Lease is until when this node may answer from the record without asking its owner, whose copy this is, or for whom
	// this node stood in. It is zero for a record that this node owns.
	Lease time.Time

	Prepared any // by Source.Prepare

	imprint imprint // of the request that this answers, as far as this node knows

	turn  uint64 // of the ring, by which the owner was found
	asked uint64 // how many doubts there had been when the origin was asked
	since uint64 // how many groups had been invalidated by then
	mark  uint64 // which of these invalidations was the last of one of its own
	place string // what the keys of all its chunks begin with
	first string // key of the first chunk
	bytes int64  // what the record takes in memory, about
}

// Part is the bytes [Start, End) of Total.
type Part struct{ Start, End, Total int64 }

// overhead is what a record takes in memory besides its strings, about: measured as heap per record of 1,000,000.
const overhead = 700

func (r *Record) size() int64 {
	n := overhead + 2*len(r.Key) + len(r.Variant) + len(r.Version) + len(r.first) + 8*len(r.imprint)
	for _, group := range r.Groups {
		n += 64 + 2*len(group) // here, and in the table's index
	}
	for name, values := range r.Trailer {
		n += 64 + len(name) + 16*len(values)
		for _, v := range values {
			n += len(v)
		}
	}
	for name, values := range r.Header {
		n += 64 + len(name)
		for _, v := range values {
			n += 16 + 2*len(v) // in Header, and perhaps again in Prepared
		}
	}
	return int64(n)
}

// refetchable tells whether any part of the content can be asked for again, so that it need not be kept.
func (r *Record) refetchable() bool { return r.Rangeable && r.Length >= 0 }

// with returns a copy of r for change to change.
func (r *Record) with(change func(*Record)) *Record {
	c := *r
	change(&c)
	return &c
}

// replaces tells whether r may take the place of old, if that is for the same requests. One that
// isn't stored takes the place of its like only, and so does a part, and the answer to a HEAD.
func (r *Record) replaces(old *Record) bool {
	return (old.Pass || !r.Pass) && (r.Part == Part{} || r.Part == old.Part) && (old.HeadOnly || !r.HeadOnly)
}

// headOnly tells whether r is the answer to a HEAD, or a note that such an answer isn't stored.
func (r *Record) headOnly() bool { return r.HeadOnly }

// takesBack tells whether r, which says that the answer to a request isn't stored, says so of old,
// too.
func (r *Record) takesBack(old *Record) bool { return old.HeadOnly || !r.HeadOnly }

// outdates tells whether r, the answer to a HEAD that might have said that prev is still good, says
// that it isn't (RFC 9111 section 4.3.5).
func (r *Record) outdates(prev *Record) bool {
	return r.HeadOnly && r.Status == http.StatusOK && prev != nil && !prev.HeadOnly
}

// newer tells whether r says more than prev, which may be nil.
func (r *Record) newer(prev *Record) bool {
	return prev == nil || r.Version != prev.Version || r.Revision != prev.Revision
}
