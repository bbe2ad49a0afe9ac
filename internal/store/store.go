// Package store holds stored responses, each in two halves: a mutable record and immutable chunks.
//
// In come requests (Request) and, from a Source, the origin's answers. Out come Records and Readers
// over their bytes. The store owns all of it within its budget: records in a table of its own,
// which alone may change (pool.go says which make room for which); chunks in a cache of their own,
// under keys that no two representations share. A content of a few bytes is in its record
// (small.go). A groupcache group, which holds nothing, collapses concurrent requests. Origin bodies
// are read by fills, which readers follow while they grow:
//
//	Find ──► table of records
//	Fetch ─► records group ─► Source.Fetch ─► record into the table, body into a fill
//	Reader ► chunks, else a fill, else a new fill from Source.Open
//	fill ──► followers, byte by byte; chunks, chunk by chunk
//
// Where there are several nodes, each key, and each slab of a large content, has one that owns it
// and alone asks the origin. What another node owns, it is asked for (fetchFromOwner), and answers
// as its own clients are answered (Serve):
//
//	Fetch ─► records group ─► the owner's Fetch ─► near copy into the table, for a lease
//	Reader ► chunks ─► the owner's; else a relay: a fill that reads from a Reader of the owner, and isn't kept
//
// A node that is asked never asks on: no two nodes wait for each other, whatever their rings say.
// An owner that can't be asked is stood in for.
//
// Of a content that the origin sends a part of, the part is kept and the rest is asked for when it
// is wanted (fragment.go). What is stale may be validated in the background (refresh.go), the
// records of one key are told apart by the Vary of all of them (variants.go), and what has been
// changed is removed on all nodes (invalidate.go). Near copies of what turns out to vary are
// dropped (varied.go).
//
// What HTTP has to say about storing and reusing is the Source's and the caller's business.
package store

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/chunks"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/groups"
	"github.com/scurrycache/scurry/internal/peer"
)

// Source answers from the origin. Its methods may be called concurrently.
type Source interface {
	// Fetch asks the origin for req's resource. If prev isn't nil, the request is conditional on
	// prev's validators; else it may be on those of req.Variants. For a HEAD, prev may be what a
	// GET brought; it is Renewed if what is learnt is about the same content. An error means that
	// no answer could be learned; it is shared by all who wait for this one.
	Fetch(ctx context.Context, req *Request, prev *Record) (*OriginResponse, error)

	// Open opens the bytes [off, end) of rec's representation, or to its end if end is -1, by a
	// request with the fields of by. From 0 to the end it asks for the whole, else for a range;
	// then what it returns may all the same be the whole. The error wraps fill.ErrGone if the
	// origin no longer has that version; ErrRefused if it gives no such part, though it may give
	// the whole. After any other error trying again is worth a while.
	Open(ctx context.Context, by Fields, rec *Record, off, end int64) (OriginBody, error)

	// Prepare returns what Record.Prepared is to be. It is called before a record is used, and
	// mustn't depend on the length, which may be learnt later.
	Prepare(rec *Record) any

	// Usable reports whether rec, which is prepared, may answer a request with those fields, and if
	// so, whether it is to be validated meanwhile, as refresh.
	Usable(rec *Record, request http.Header) (usable, refresh bool)

	// Validatable reports whether the origin can be asked if rec is still good without sending its
	// content again.
	Validatable(rec *Record) bool

	// Failed says of an error of Open, or of a body, what it means to those who ask.
	Failed(err error) *Failure

	// CanonicalKey is the part of a cache key that decides on its owner, and that invalidations are
	// counted by: keys that may be for the same resource have the same.
	CanonicalKey(key string) string

	// Concerns reports whether rec, which is prepared, is for that resource in any spelling of its
	// URL: what changes the one changes the other.
	Concerns(rec *Record, url string) bool

	// KeyOf is the cache key that a response with that header for that resource is stored under.
	KeyOf(url string, header http.Header) string

	// Keys are the cache keys under which a response for a resource may be stored, the likeliest
	// first.
	Keys(url string) []string

	// Answers reports whether rec, which is prepared and stored under one of its Keys, is for that
	// resource.
	Answers(rec *Record, url string) bool

	// Check says what is wrong with a cache key that another node sent, if anything.
	Check(key string) error
}

// OriginBody is a body that the origin sends of a version that is known.
type OriginBody struct {
	Body   fill.Body
	Whole  bool  // it is all of the content, else the part that was asked for
	Length int64 // of the representation, -1 if unknown
}

// OriginResponse is an origin's answer. The store owns Body and closes it, or hands it on to the
// one who asked.
type OriginResponse struct {
	Record    *Record // all but Key, Generation and Version, which the store fills in
	Validator string  // what the version derives from: a strong validator, or "" if there is none
	Body      fill.Body
	From, To  int64              // the part of the content that Body is, if To isn't 0: then Record is that of the whole
	Trailer   func() http.Header // the trailer fields, once Body has been read to its end; nil if there can't be any
	Storable  bool
	Private   bool // it is about the one who asked, and says nothing of what others would get
	Renewed   bool // prev is still good: Record is prev with new fields and times, and there is no Body

	// Variant, if not nil, is the one of Request.Variants whose bytes answer this request, too:
	// Record is Variant with new fields and times, and there is no Body.
	Variant *Record
}

// Config says how a Store works. All fields but Now, Node and Lease must be set.
type Config struct {
	Memory    int64 // bytes of records and chunks together
	Geometry  chunk.Geometry
	Source    Source
	Selecting func(names []string, request http.Header) string // which variant a request selects, by the names in Vary
	Contains  func(p Part, request http.Header) bool           // whether a part is all that a request asks for
	Now       func() time.Time

	// Node is this node among its peers, which are to be answered by Serve; nil if it is on its
	// own. Lease is how long it may answer from a record of another node's without asking it again.
	Node  *peer.Node
	Lease time.Duration
}

const (
	recordsShare = 4                // one part in so many of the memory may be taken by records that have no chunks
	recordsMost  = 2                // and one part in so many by all of them
	fillBytes    = 4                // how many of the smallest chunks a fill holds, about, if there are many
	holdShare    = 4                // no body that can't be asked for again may take more than one part in so many
	pinShare     = 4                // and no more than one part in so many, all such bodies that are being read
	holdChunks   = 4                // how many of the largest chunks a fill keeps for its followers after pushing them
	window       = 4                // how many of the largest chunks a fill reads ahead of a reader of a range
	aheadShare   = 4                // and no more than one part in so many, what all fills have read ahead of their readers
	shareShare   = 16               // nor may all fills together hold more than one part in so many of what has been pushed
	alone        = 30 * time.Second // how long a fill reads on that its last reader has left
	brief        = 5 * time.Second  // if the rest would take longer than that, it doesn't: no longer than a fill waits that is idle
	idle         = 5 * time.Second  // how long a fill that no one wants more of keeps its origin connection
	idleFills    = 16               // if there are no more of them; else it is as much shorter as there are more
	passFor      = 5 * time.Second  // how long a response that can't be stored sends others straight to the origin
	RetryAfter   = 2 * time.Second  // how long a stored response whose validation failed is served stale without another try
)

// Validate says whether memory suffices for the geometry.
func (c Config) Validate() error {
	if err := c.Geometry.Validate(); err != nil {
		return err
	}
	if least := 2 * c.Geometry.Slab; c.Memory < least {
		return fmt.Errorf("memory of %d bytes is too small for slabs of %d: give it at least %d, or make the slabs smaller",
			c.Memory, c.Geometry.Slab, least)
	}
	return nil
}

// remote reports whether another node owns a key of a group.
func (c Config) remote() func(key string) bool {
	if c.Node == nil {
		return nil
	}
	return func(key string) bool { return c.Node.Owner(peer.RoutingKey(key)) != nil }
}

// Store holds stored responses. Its methods may be called concurrently.
type Store struct {
	cfg       Config
	records   *groups.Group
	chunks    *chunks.Cache
	base      context.Context // ends with Close
	cancel    context.CancelFunc
	work      sync.WaitGroup // flights and fills
	live      atomic.Int64   // fills that are reading
	calls     sync.Map       // the Cause of each reqRead that is being answered, by its call
	pinned    atomic.Int64   // bytes that fills hold for followers of what can't be asked for again
	refusals  refusals
	rooms     rooms
	audiences audiences
	seed      maphash.Seed // of imprints

	// mu guards all below. It is taken before a fill's own lock, and never held while chunks or
	// groups are asked for anything, but for how much room there is.
	mu               sync.Mutex
	closed           bool
	entries          map[string]*entry // by cache key
	pools            [classes]pool     // of entries, as they make room for each other
	queries          queryCounts
	recordBytes      int64                          // which the entries take
	bodies           map[string]*body               // by version
	grouped          map[string]map[string]struct{} // cache keys, by the groups that any of their variants belongs to
	generations      generations
	groups           groupLog
	varied           generations         // count how often keys of other nodes have turned out to vary
	refreshing       map[uint64]struct{} // revisions that are being validated in the background
	fills            int64               // begun so far
	begun            [1024]int64         // which of them was the last of the versions with this hash
	clock            uint64              // counts the reasons to validate what is stored
	revalidateBefore uint64              // the last one that was about everything
	missed           missedInvalidations
}

// New makes a store. It must be closed.
func New(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	seed := maphash.MakeSeed()
	s := &Store{cfg: cfg, seed: seed, refusals: refusals{now: cfg.Now}, entries: map[string]*entry{},
		queries: queryCounts{seed, map[uint64]int32{}}, bodies: map[string]*body{},
		grouped: map[string]map[string]struct{}{}, refreshing: map[uint64]struct{}{}}
	s.rooms.init(cfg)
	var err error
	if s.records, err = groups.Acquire(groups.Config{Remote: cfg.remote()}); err != nil {
		return nil, err
	}
	if s.chunks, err = chunks.New(chunks.Config{Budget: cfg.Memory, Largest: cfg.Geometry.Max, Remote: cfg.remote()}); err != nil {
		s.records.Release()
		return nil, err
	}
	s.reserveLocked()
	s.base, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Close ends all fills and flights, waits for them, and frees what the store holds. Readers that
// are still in use get errors.
func (s *Store) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
	s.records.Release()
	s.chunks.Close()
}

// beginLocked counts one flight or fill in, which must end with work.Done. It fails once the store
// is closed.
func (s *Store) beginLocked() bool {
	if s.closed {
		return false
	}
	s.work.Add(1)
	return true
}

// Usage is what a store holds and does.
type Usage struct {
	Records, RecordBytes int64
	Fills, LiveFills     int64
	Chunks               chunks.Usage
}

// Usage counts what s holds and does.
func (s *Store) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Usage{
		Records: int64(len(s.entries)), RecordBytes: s.recordBytes,
		Fills: s.fills, LiveFills: s.live.Load(),
		Chunks: s.chunks.Usage(),
	}
}
