package store

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/fields"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/invalidation"
)

// Record is what is known of one stored response, without its bytes. A Record is never changed once
// it has left the store: a newer one takes its place. There are many, so what few responses have is
// in Details.
type Record struct {
	Key      string // cache key
	Version  string // names the bytes: equal versions have equal bytes
	Revision uint64 // names the exchange with the origin that made or last validated it
	first    string // key of the first chunk, once the record is in the table

	Status int
	Length int64   // of the content in bytes, -1 while unknown
	small  *[]byte // the content, if it is held here: see small.go

	// Rangeable means that the origin gives any part by a range, under a validator that forbids
	// mixing versions. Resumable means that it may give at least the rest of a body whose
	// connection was lost. OneSlab, which the store sets, means that the content is one slab
	// whatever its length.
	Rangeable, Resumable, OneSlab bool

	// Undated means that the origin sent no Date. The one in Head is ResponseTime, cut to the
	// second.
	Undated bool

	// Invalid means that a request to the origin may have changed what it would answer (RFC 9111
	// section 4.4): the response must not be used before it has been validated, not even as a stale
	// one. The store sets it.
	Invalid bool

	// HeadOnly means that the response answers a HEAD and has no content here. It answers only
	// HEADs, and its Length is what it says of the content.
	HeadOnly bool

	// Fragments means that some of the content may be held in fragments, which aren't whole chunks.
	Fragments bool

	// Pass means that the response isn't stored: until PassUntil, each request goes to the origin
	// by itself.
	Pass bool

	Validated
	standing
	*Details

	alone [1]*Record // the record itself: the list of variants where it is the only one
}

// Validated is what each exchange with the origin tells anew: the one that made a Record, and those
// that validated it.
type Validated struct {
	Head                      fields.Packed // end-to-end fields as the origin sent them
	RequestTime, ResponseTime Instant

	// Facts decide whether the response may be used. They are set once the Record has left the
	// store.
	Facts httpcache.Facts
}

// standing is what this node in particular knows of a Record.
type standing struct {
	// RetryAfter is when a validation that has failed may be tried again.
	RetryAfter Deadline

	// Lease is until when this node may answer from the record without asking its owner. The record
	// is a copy of the owner's, or was made by this node in the owner's place. It is zero for a
	// record that this node owns.
	Lease Deadline

	asking asking             // the request that this answers, as far as it is known here
	basis  invalidation.Token // no invalidation up to here is about it
}

// Details are the parts of a Record that most responses don't have. They are shared by records that
// have none, and so are changed only in a record that Clone or NewRecord has made.
type Details struct {
	URL  string // the key of the resource that the origin was asked for, if it isn't Key
	Vary []string
	// what the request that this answers has in the Vary fields, by httpcache.Selecting
	Variant string

	// Trailer are the trailer fields (RFC 9110 section 6.5), as far as they have come.
	Trailer http.Header

	// Part is the part of a representation that the response holds, if that can't be joined with
	// other parts to the whole (RFC 9111 section 3.3). It answers only requests for bytes in that
	// part. Its content, and so Length, is the part alone. The zero Part means all.
	Part Part

	// Groups are the groups that the response belongs to (RFC 9875), which may be invalidated
	// together.
	Groups []string

	// Expired is since when the response counts as stale, whatever it says of its freshness,
	// because an operator has purged it softly; 0 if none has. The store sets it.
	Expired Instant

	PassUntil Deadline
	failure   *Failure // of the validation that RetryAfter is about

	draft
}

// draft is what a Record has only until it is in the table.
type draft struct {
	ringEpoch uint64      // of the ring, by which the owner was found
	received  time.Time   // ResponseTime with what the monotonic clock said
	unpacked  http.Header // Head
}

// Part is the bytes [Start, End) of Total.
type Part struct{ Start, End, Total int64 }

// NewRecord returns a record whose fields may be set.
func NewRecord() *Record { return &Record{Details: &Details{}} }

// Clone returns a copy of r that may be changed.
func (r *Record) Clone() *Record {
	c, d := *r, *r.Details
	c.Details, c.alone[0] = &d, nil
	return &c
}

// with returns a copy of r for change to change.
func (r *Record) with(change func(*Record)) *Record {
	c := r.Clone()
	change(c)
	return c
}

// Fields are r's end-to-end fields as the origin sent them, unpacked for the caller alone.
func (r *Record) Fields() http.Header { return r.Head.Header() }

// Header is Fields for callers that don't change them. It costs nothing until r is in the table.
func (r *Record) Header() http.Header {
	if r.unpacked != nil {
		return r.unpacked
	}
	return r.Fields()
}

// SetFields sets what Fields returns. h isn't to be changed from now on.
func (r *Record) SetFields(h http.Header) { r.Head, r.unpacked = fields.Pack(h), h }

// Selecting are the fields of the request that a request for a part of the content has to repeat,
// unpacked for the caller alone.
func (r *Record) Selecting() http.Header { return r.asking.selecting().Header() }

// SetSelecting sets what Selecting returns.
func (r *Record) SetSelecting(h http.Header) {
	r.asking = askingOf(r.asking.imprint(), fields.Pack(h))
}

func (r *Record) setImprint(p imprint) { r.asking = askingOf(p, r.asking.selecting()) }

// SetTimes sets the times of the exchange, since which nothing has expired r.
func (r *Record) SetTimes(request, response time.Time) {
	r.RequestTime, r.ResponseTime, r.received = At(request), At(response), response
	r.Expired = 0
}

// expire makes r stale from that time on. An earlier one stands.
func (r *Record) expire(at time.Time) {
	if r.Expired == 0 {
		r.Expired = At(at)
	}
	r.Facts.Expire(at)
}

// Received is ResponseTime with the reading of the monotonic clock, if r has it still. Then the age
// of the response doesn't depend on changes of the wall clock.
func (r *Record) Received() time.Time {
	if r.received.IsZero() {
		return r.ResponseTime.Time()
	}
	return r.received
}

// plain is the details of records that have none.
var plain = &Details{}

// settle makes r, which is to be in the table, as small as it can be, and of as few objects: the
// collector looks at each of them again and again.
func (r *Record) settle() {
	r.alone[0] = r
	head := len(r.Head)
	text := string(r.Head) + string(r.asking)
	r.Head, r.asking = fields.Packed(text[:head]), asking(text[head:])
	if (r.small != nil || r.HeadOnly) && r.first != "" { // it has no chunks
		r.first, r.Version = "", strings.Clone(r.Version)
	}
	if r.Details == plain {
		return
	}
	r.draft = draft{}
	if r.isPlain() {
		r.Details = plain
	}
}

// isPlain reports whether d, which is settled, says no more than plain.
func (d *Details) isPlain() bool {
	return d.URL == "" && d.Variant == "" && len(d.Vary) == 0 && len(d.Groups) == 0 &&
		len(d.Trailer) == 0 && d.Part == Part{} && d.Expired == 0 && d.PassUntil == 0 &&
		d.failure == nil
}

// refetchable reports whether any part of the content can be asked for again. Then it need not be
// kept.
func (r *Record) refetchable() bool { return r.Rangeable && r.Length >= 0 }

// sameBytes reports whether r has old's version, as variants may.
func (r *Record) sameBytes(old *Record) bool { return r.Version == old.Version }

// is reports whether r and other are one.
func (r *Record) is(other *Record) bool { return r == other }

// takesBack reports whether r, which says that the response to a request isn't stored, applies to
// old, too.
func (r *Record) takesBack(old *Record) bool { return old.HeadOnly || !r.HeadOnly }

// outdates reports whether r shows that prev is out of date: r is the answer to a HEAD that could
// have confirmed prev and didn't (RFC 9111 section 4.3.5).
func (r *Record) outdates(prev *Record) bool {
	return r.HeadOnly && r.Status == http.StatusOK && prev != nil && !prev.HeadOnly
}

// invalidated is the error of a reader that learns that the bytes of r have been removed.
func (r *Record) invalidated() error {
	return fmt.Errorf("%s: invalidated: %w", r.Key, fill.ErrGone)
}

// newer reports whether r is another record than prev, which may be nil, for one that knows prev
// already.
func (r *Record) newer(prev *Record) bool {
	return prev == nil || r.Version != prev.Version || r.Revision != prev.Revision
}

// rests reports whether a validation of the record has failed just before now.
func (r *standing) rests(now time.Time) bool { return now.Before(r.RetryAfter.Time()) }

// owned reports whether the record was made by the node that owned it.
func (r *standing) owned() bool { return r.Lease.IsZero() }

// isCurrent reports whether this node may answer from r, which may be nil, without asking its
// owner.
func (r *Record) isCurrent(now time.Time) bool {
	return r != nil && !r.Invalid && (r.owned() || now.Before(r.Lease.Time()))
}
