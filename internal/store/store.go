// Package store holds stored responses, each in two halves: a mutable record and immutable chunks.
//
// In come requests (Request) and, from a Source, the origin's responses. Out come Records and
// Readers over their bytes. The store owns all of it, within its budget. Records are in a table of
// its own, and only they change (pool.go says which make room for which). Chunks are in groupcache
// groups (package chunks, here the chunks group), under keys that no two representations share. A
// content of a few bytes is in its record (small.go). Another group, which holds nothing, collapses
// concurrent requests. Origin bodies are read by fills, which readers follow while they grow:
//
//	Find ──► table of records
//	Fetch ─► records group ─► Source.Fetch ─► record into the table, body into a fill
//	Reader ► chunks group, else a fill, else a new fill from Source.Open
//	fill ──► followers, byte by byte; chunks group, chunk by chunk
//
// Where there are several nodes, one of them owns each key, and each slab of a large content, and
// only the owner asks the origin. Another node asks the owner (fetchFromOwner), which answers as it
// answers its own clients. Remote is this node's view of the others, and Server answers them:
//
//	Fetch ─► records group ─► the owner's Fetch ─► near copy into the table, for a lease
//	Reader ► chunks group ─► the owner's
//	       ► relay: a fill that reads from a Reader of the owner, and isn't kept
//
// A relay brings what isn't held anywhere yet, and most of what is large (Reader.streams).
//
// A node never forwards a peer's request to a third node, so nodes with different rings can't
// deadlock. If an owner can't be asked, the node that wanted to ask takes its place.
//
// If the origin sends a part of a content, that is kept, and the rest is asked for when it is
// wanted (fragment.go). A stale response may be validated in the background (refresh.go). The
// records of one key are told apart by the Vary of all of them (entry.go, selection.go,
// variants.go). What may have been changed is to be validated on all nodes, or is removed from them
// (invalidate.go, sweep.go), and operators purge (purge.go), by way of a log that the nodes
// exchange (invalidate.go; package invalidation says how). Near copies of a resource that turns out
// to vary are dropped (variants.go).
//
// The parts don't know the Store, and are guarded by its lock or by one of their own: keys (names,
// owners, slabs, refusals of parts), changes (what the log says of a record), table (records),
// bodies (bytes and the fills that read them), rooms (memory for what is on its way), audiences
// (requests that wait for flights), lifetime. Store's own methods combine them, each file on those
// before it:
//
//	find, invalidate ► chunks, join ► opener, relay ► fills ► reader, fetchorigin
//	► fetchowner, fetch ► server, answer ► open
//
// A lookup takes the lock of its shard of the table, and no other (shards.go). The table is changed
// under Store.mu. Bytes, and the fills that read them, have bodies.mu, so readers don't wait for
// changes of the table. Locks are taken in this order, and none is held while a group or another
// node is asked:
//
//	Store.mu ► the log's own
//	         ► bodies.mu ► a fill's own ► rooms.filling
//	                     ► shard.mu, refusals, lifetime.ending, reserving
//	refreshing ► shard.mu, lifetime.ending
//	audiences: alone
//
// A fill is among the bodies before its record can be found. It leaves them after its record has
// learnt what it brought.
//
// The log gets entries only under Store.mu, and the table is swept for them before that is
// released. So no record that is stored later rests on less than the log has.
//
// A KeySpace knows which keys a resource has. The Source decides whether a response is stored;
// httpcache and the caller decide whether it is used.
package store

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/httpcache"
)

// Source is the origin. Its methods may be called concurrently.
type Source interface {
	// Fetch asks the origin for req's resource. If prev isn't nil, the request is conditional on
	// prev's validators; else it may be on those of req.Variants. For a HEAD, prev may be what a
	// GET brought; it is Renewed if what is learnt is about the same content. An error means that
	// no answer could be learned; it is shared by all requests that wait for this one. ctx may have
	// a workers.Task, by way of which Fetch waits if the Source has a method AwaitsByTask.
	Fetch(ctx context.Context, req *Request, prev *Record) (*OriginResponse, error)

	// Open opens the bytes [off, end) of rec's representation, or to its end if end is -1, by a
	// request with the fields of by. From 0 to the end it asks for the whole, else for a range;
	// then what it returns may all the same be the whole. The error wraps fill.ErrGone if the
	// origin no longer has that version; ErrRefused if it gives no such part, though it may give
	// the whole. After any other error trying again is worth a while.
	Open(ctx context.Context, by Fields, rec *Record, off, end int64) (OriginBody, error)

	// Failed returns what an error of Open, or of a body, means to clients.
	Failed(err error) *Failure
}

// OriginBody is a body that the origin sends of a version that is known.
type OriginBody struct {
	Body   fill.Body
	Whole  bool  // it is all of the content, else the part that was asked for
	Length int64 // of the representation, -1 if unknown
}

// OriginResponse is an origin's response. The store owns Body: it closes it, or hands it on to the
// caller of Fetch.
type OriginResponse struct {
	Record    *Record // all but Key and Version, which the store fills in
	Validator string  // what the version derives from: a strong validator, or "" if there is none
	Body      fill.Body
	// the part of the content that Body is, if To isn't 0: then Record is that of the whole
	From, To int64
	// the trailer fields, once Body has been read to its end; nil if there can't be any
	Trailer  func() http.Header
	Storable bool
	Private  bool // it is for this request alone, and says nothing of what others would get

	// Renewed means that prev, or Variant, is still good: Record is that one with new fields and
	// times, and there is no Body.
	Renewed bool

	// Variant is the one of Request.Variants that is still good; nil if that is prev.
	Variant *Record
}

// Config says how a Store works. All fields but MaxObject, KeyFields, Now, Remote and Lease must be
// set.
type Config struct {
	Memory   int64 // bytes of records and chunks together
	Geometry chunk.Geometry
	Source   Source
	Keys     KeySpace
	Policy   httpcache.Policy
	Now      func() time.Time

	// KeyFields are the canonical names of the fields that each response is selected by, sorted.
	// The Source names them in each Record's Vary.
	KeyFields []string

	// MaxObject is the largest content that is kept, in bytes; 0 for any.
	MaxObject int64

	// Remote is the other nodes, which are to be answered by Server; nil if this node is alone.
	// Lease is how long it may answer from a record of another node's without asking it again.
	Remote Remote
	Lease  time.Duration
}

const (
	// one part in so many of the memory may be taken by records that have no chunks
	recordsShare = 4
	recordsMost  = 2 // and one part in so many by all of them
	// one part in so many of the memory is what chunks come to between two uses that are noted
	useSteps = 64
	// how many of the smallest chunks a fill holds, about, if there are many
	fillBytes = 4
	// no body that can't be asked for again may take more than one part in so many
	holdShare = 4
	// and no more than one part in so many, all such bodies that are being read
	pinShare = 4
	// how many of the largest chunks a fill keeps for its followers after pushing them
	holdChunks = 4
	// how many of the largest chunks a fill reads ahead of a reader of a range
	window = 4
	// and no more than one part in so many, what all fills have read ahead of their readers
	aheadShare = 4
	// nor may all fills together hold more than one part in so many of what has been pushed
	shareShare = 16
	alone      = 30 * time.Second // how long a fill reads on that its last reader has left
	// if the rest would take longer than that, it doesn't: no longer than a fill waits that is idle
	brief = 5 * time.Second
	// how long a fill that no one wants more of keeps its origin connection
	idle = 5 * time.Second
	// if there are no more of them; else it is as much shorter as there are more
	idleFills = 16
	// how long a response that can't be stored sends others straight to the origin
	passFor = 5 * time.Second
	// how long a stored response whose validation failed is served stale without another try
	RetryAfter = 2 * time.Second
)

// Validate says whether memory suffices for the geometry.
func (c Config) Validate() error {
	if err := c.Geometry.Validate(); err != nil {
		return err
	}
	if least := 2 * c.Geometry.Slab; c.Memory < least {
		return fmt.Errorf("memory of %d bytes is too small for slabs of %d: give it at least %d, "+
			"or make the slabs smaller",
			c.Memory, c.Geometry.Slab, least)
	}
	return nil
}
