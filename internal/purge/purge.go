// Package purge is how operators tell a node what to purge, by HTTP.
//
// A request goes in: JSON as Cloudflare's users know it, a path as Fastly's do, or the method PURGE
// on the port for clients. It becomes a Request. What a Func makes of that comes out as JSON with
// one entry for each node: 200 if all nodes have acknowledged the purge, else 207. What is wrong
// with a request is said by problem details (RFC 9457).
//
//	POST /purge, body ──► parse ──┐
//	POST /purge/URL ──────────────┼──► Request ──► Func ──► Result ──► JSON
//	PURGE URL, by an allowed address ─┘
//
// Who may send the first two is its caller's business. A Ledger makes a purge with an ID one that
// happens once.
package purge

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Request is what is purged: all that is stored for some URLs, under some prefixes, or in some
// groups, or everything. There may be 500 URLs, prefixes and groups.
type Request struct {
	// URLs are as clients ask for them: whole ones, whose host doesn't matter, or paths from their
	// first slash on, with the query. A URL stands for all variants of its resource.
	URLs []string

	// Prefixes are URLs without a query. One stands for what has its path, and for all below that:
	// "/files/a" isn't a prefix of "/files/ab".
	Prefixes []string

	// Groups are names of cache groups: those in Cache-Groups (RFC 9875) and in the fields that are
	// set to name groups besides.
	Groups []string

	// All stands for everything. Then nothing else may be named.
	All bool

	// Queries has URLs stand for all queries of their paths.
	Queries bool

	// Soft has what is stored become stale rather than go. It is validated before its next use, or
	// meanwhile if it has stale-while-revalidate (RFC 5861), and may be served if the origin fails.
	Soft bool

	// ID, if not empty, makes the purge one that happens once. The same ID with the same purge,
	// within 10 minutes and at the same node, returns the result of the first one. It has 128 bytes
	// at most.
	ID string
}

// Result is what has come of a purge. It isn't to be changed.
type Result struct {
	ID    string
	Nodes []Node // the node that was asked comes first, and the others by name
}

// Node is what has come of a purge on one node. If Err is nil, the node has acknowledged it: to no
// request that arrives from now on does it send what was purged.
type Node struct {
	// Name is the node's, as its peers know it; "" if there is but one node.
	Name string

	// Purged is how many stored responses were purged there. It may be too low: a node that had to
	// catch up doesn't say.
	Purged int

	// Err is why the node hasn't acknowledged; it is for operators. A node that is in contact with
	// clients, but not with its peers, may go on to serve what was purged for as long as that is
	// fresh. It learns of the purge when there is contact, before it serves anything else to its
	// peers. A node that stood still learns of it before it serves what it has, or validates that.
	Err error

	// OldUntil is, if Err isn't nil, until when such a node may serve what was purged, as far as
	// the other nodes know that from what they had: the time until which a response that was
	// validated just before the purge may be used, even if the origin fails from then on. It
	// doesn't hold for clients that ask for stale responses (max-stale), or if the origin has told
	// that node otherwise. It is zero if it isn't known: if the other nodes had nothing, or if more
	// than one URL was purged, of which the node may have what the others haven't. CopiesUntil is
	// until when it may serve its copies of what nodes own that have acknowledged: it asks these by
	// then.
	OldUntil, CopiesUntil time.Time
}

// Complete reports whether all nodes have acknowledged.
func (r Result) Complete() bool {
	for _, n := range r.Nodes {
		if n.Err != nil {
			return false
		}
	}
	return true
}

// Func purges. An error means that nothing was purged, and says what is wrong with the request.
type Func func(ctx context.Context, q *Request) (*Result, error)

// Bounds of a request.
const (
	MaxItems = 500 // URLs, prefixes and groups together
	MaxGroup = 256 // bytes of a group's name: no stored response is in a group with a longer one
	MaxID    = 128 // bytes
)

// Check returns what is wrong with q, but for its URLs and prefixes.
func (q *Request) Check() error {
	items := len(q.URLs) + len(q.Prefixes) + len(q.Groups)
	switch {
	case q.All && (items > 0 || q.Queries):
		return errors.New("everything is purged, so nothing else can be named beside it")
	case !q.All && items == 0:
		return errors.New("nothing is named: name URLs, prefixes or groups, or purge everything")
	case items > MaxItems:
		return fmt.Errorf("%d URLs, prefixes and groups are too many for one purge: name %d at most",
			items, MaxItems)
	case q.Queries && len(q.URLs) == 0:
		return errors.New("the queries of URLs are meant, but no URL is named")
	case len(q.ID) > MaxID:
		return fmt.Errorf("the id has %d bytes: give it %d at most", len(q.ID), MaxID)
	}
	for _, group := range q.Groups {
		if group == "" || len(group) > MaxGroup {
			return fmt.Errorf("the group %.40q has %d bytes: a group's name has 1 to %d",
				group, len(group), MaxGroup)
		}
	}
	return nil
}
