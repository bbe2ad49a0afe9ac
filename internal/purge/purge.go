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
// groups, or everything.
type Request struct {
	URLs     []string // as clients ask for them
	Prefixes []string // of URLs, by whole segments
	Groups   []string
	All      bool   // everything, and nothing else is named
	Queries  bool   // a URL stands for all queries of its path
	Soft     bool   // it becomes stale, and isn't removed
	ID       string // a purge with the same ID happens once; may be empty
}

// Result is what has come of a purge, node by node. The first one is the node that was asked.
type Result struct {
	ID    string
	Nodes []Node
}

// Node is what has come of a purge on one node.
type Node struct {
	Name   string // "" for a node that is on its own
	Purged int    // how many stored responses were purged there, as far as is known
	Err    error  // why the node hasn't acknowledged; nil if it has

	// Until when a node that hasn't may serve what was purged; zero if that isn't known. CopiesUntil
	// is about its copies of what others own.
	OldUntil, CopiesUntil time.Time
}

// Complete reports whether all nodes have acknowledged.
func (r *Result) Complete() bool {
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
