package store

import (
	"context"
	"net/http"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/trace"
)

// Remote is the other nodes, as a store sees them. Each request for a record or for bytes carries
// the position of the requester's invalidation log. A node that knows fewer entries doesn't say
// what is stored. A node that knows that the bytes have been removed doesn't give them. Both return
// ErrBehind, and then the two nodes exchange their logs.
//
// A node's Server answers Lookup and Read by its methods of the same names. Methods may be called
// concurrently. What they wait for ends with their context, if that ends, and when the Remote is
// closed, as it is to be before the Store is. A context that can end costs an entry in a table of
// its parent's, so those of short requests don't.
//
// An error is the node's verdict (IsVerdict), or one of the errors that aren't verdicts, or
// anything else if the node can't be asked. If a method was called for a Cause, and the origin has
// been asked for that, the Cause is noted by the time the method returns.
type Remote interface {
	// Owner names the node that owns a routing key, and reports whether it is this one.
	Owner(routingKey string) (node string, here bool)

	// RingEpoch counts the changes of the ring.
	RingEpoch() uint64

	// OwnedSince reports whether this node has owned a routing key all the time since that epoch,
	// as far as that is remembered.
	OwnedSince(routingKey string, epoch uint64) bool

	// Lookup asks an owner for a record: found, or fetched from the origin.
	Lookup(ctx context.Context, node string, q *LookupRequest) (*LookupResult, error)

	// Read asks an owner for a part of a content, as it comes.
	Read(ctx context.Context, node string, q *ReadRequest) (*ReadResult, error)

	// Ask sends a node a Message, and returns what that answers.
	Ask(ctx context.Context, node string, m Message) ([]byte, error)

	// Notify sends a Message to all nodes. It returns what each has answered, by name, or why it
	// couldn't be reached in time. A node that hasn't been told exchanges logs with this one as
	// soon as there is contact.
	Notify(m Message) []Notified

	// NoticeStandstill calls Suspend or RevalidateAll if this process, or the machine, has stood
	// still for as long as it takes other nodes to give it up: they may have failed to tell it of
	// something. It is called for each lookup.
	NoticeStandstill()

	// Share has all nodes exchange logs with this one, and doesn't wait for it.
	Share()
}

// Notified is what a node has answered that was told of something. If Err isn't nil, it hasn't been
// told, and Err says why, for operators.
type Notified struct {
	Node  string
	Value []byte
	Err   error
}

// LookupRequest is a Request as it goes to another node.
type LookupRequest struct {
	Request
	Version  string // of the stored response that was found wanting, if any
	Revision uint64
	Window   int  // how many bytes of content may be under way
	Chunk    bool // the first chunk is wanted with the record, if it is held

	// Position is what the requester knew of invalidations when it began to ask. A node that knows
	// less doesn't answer.
	Position *invalidation.Position
}

// LookupResult is what an owner has found.
type LookupResult struct {
	Record    *Record // isn't prepared, and has no Key
	Found     bool    // in the owner's table, not at the origin
	Collapsed bool    // the owner answered another request
	Renewed   bool
	Stored    bool // the owner may give it to others, too
	Status    int  // of the origin's answer
	Why       Why
	Shared    *trace.Span // as in Result; it isn't sent
	Content   Content     // nil if there is none
	Chunk     []byte      // the first of the content, if it came with the record
	Warmed    int64       // up to where the owner has read the content, if that was to be warmed
}

// ReadRequest asks for a part of a content, to follow it.
type ReadRequest struct {
	Key      string
	Record   *Record // the slab's owner may never have seen it
	By       Fields  // of the client's request that is continued
	Off, End int64   // End is -1 for the end of the content
	Whole    bool    // all of it will be wanted
	// the owner of the first slab is asked, since the origin refuses to give parts
	Undivided bool
	// the owner is to read the slab that begins at Off from the origin: Read succeeds, without a
	// content, once the origin has accepted a request for that
	TakesOver bool
	// the owner is to hold what q asks for: Read succeeds, without a content, once it does
	Warm   bool
	Window int // how many bytes may be under way

	// Position is what the requester knows of invalidations.
	Position *invalidation.Position
}

// ReadResult is a part of a content on its way.
type ReadResult struct {
	Content
	Length   int64 // of the whole content, -1 if unknown
	Foreseen Asked // whether the origin is to be asked for some of it
}

// Content is bytes that another node sends. Close may be called while another method is in use.
type Content interface {
	fill.Body

	// Over reports whether End needn't wait.
	Over() bool

	// End waits until all bytes have come, whether or not they are read, and returns what the node
	// says then: the trailer, and whether the origin was asked. It isn't complete if the content
	// broke off.
	End() (trailer http.Header, asked Asked, complete bool)

	// OriginAsked asks the node whether the origin has been asked for what it sends.
	OriginAsked(ctx context.Context) bool
}
