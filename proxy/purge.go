package proxy

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/scurrycache/scurry/internal/purge"
	"github.com/scurrycache/scurry/internal/store"
)

// PurgeRequest is what is purged: all that is stored for some URLs, under some prefixes, or in some
// groups, or everything. There may be 500 URLs, prefixes and groups.
type PurgeRequest struct {
	// URLs are as clients ask for them: whole ones, whose host doesn't matter, or paths from their
	// first slash on, with the query. A URL stands for all variants of its resource.
	URLs []string

	// Prefixes are URLs without a query. One stands for what has its path, and for all below that:
	// "/files/a" isn't a prefix of "/files/ab".
	Prefixes []string

	// Groups are names of cache groups: those in Cache-Groups (RFC 9875) and in
	// Config.GroupFields.
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

// PurgeResult is what has come of a purge.
type PurgeResult struct {
	ID    string
	Nodes []NodePurge // this node comes first, and the others by name
}

// Complete reports whether all nodes have acknowledged the purge.
func (r PurgeResult) Complete() bool {
	for _, n := range r.Nodes {
		if n.Err != nil {
			return false
		}
	}
	return true
}

// NodePurge is what has come of a purge on one node. If Err is nil, the node has acknowledged it: to
// no request that arrives from now on does it send what was purged.
type NodePurge struct {
	// Name is the node's, as its peers know it; "" if there is but one node.
	Name string

	// Purged is how many stored responses were purged there. It may be too low: a node that had to
	// catch up doesn't say.
	Purged int

	// Err is why the node hasn't acknowledged; it is for operators. A node that is in contact with
	// clients, but not with its peers, may go on to serve what was purged for as long as that is
	// fresh. It learns of the purge when there is contact, before it serves anything else to its
	// peers. A node that stood still validates what it has before it serves that.
	Err error

	// OldUntil is, if Err isn't nil, until when such a node may serve what was purged, as far as the
	// other nodes know that from what they had: the time until which a response that was validated
	// just before the purge may be used, even if the origin fails from then on. It doesn't hold for
	// clients that ask for stale responses (max-stale), or if the origin has told that node otherwise.
	// It is zero if it isn't known: if the other nodes had nothing, or if more than one URL was
	// purged, of which the node may have what the others haven't. CopiesUntil is until when it may
	// serve its copies of what nodes own that have acknowledged: it asks these by then.
	OldUntil, CopiesUntil time.Time
}

// ErrPurgeID is that another purge has had the same ID lately.
var ErrPurgeID = purge.ErrID

// Purge purges what is stored on all nodes, and waits until each has acknowledged that, or can't be
// reached in time; that may take some seconds. Nothing that is on its way brings back what was
// purged, even if the origin sends new content under an old validator. An error means that nothing
// was purged, and says what is wrong with q. Once Purge has begun, the end of ctx doesn't stop it.
func (p *Proxy) Purge(ctx context.Context, q PurgeRequest) (PurgeResult, error) {
	asked := purge.Request(q)
	r, err := p.purge(ctx, &asked)
	if err != nil {
		return PurgeResult{}, err
	}
	result := PurgeResult{ID: r.ID}
	for _, n := range r.Nodes {
		result.Nodes = append(result.Nodes, NodePurge(n))
	}
	return result, nil
}

// PurgeHandler answers POST /purge, POST /purge/URL and POST /purge/key/GROUP, as the help page on
// purging has it. It lets anyone purge who reaches it. It mustn't be behind an http.ServeMux, which
// would redirect some of the URLs.
func (p *Proxy) PurgeHandler() http.Handler { return purge.Func(p.purge).Handler() }

func (p *Proxy) purge(ctx context.Context, q *purge.Request) (*purge.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	named, err := p.named(q)
	if err != nil {
		return nil, err
	}
	return p.purges.Do(q, func() *purge.Result { return p.purgeNow(q, named) })
}

// named is q in the store's words.
func (p *Proxy) named(q *purge.Request) (*store.Purge, error) {
	named := &store.Purge{Groups: q.Groups, All: q.All, Queries: q.Queries, Soft: q.Soft}
	for _, text := range q.URLs {
		key, err := p.site.Named(text)
		if err != nil {
			return nil, fmt.Errorf("the URL %.200q: %w", text, err)
		}
		named.Keys = append(named.Keys, key)
	}
	for _, text := range q.Prefixes {
		path, err := p.site.NamedPrefix(text)
		if err != nil {
			return nil, fmt.Errorf("the prefix %.200q: %w", text, err)
		}
		named.Prefixes = append(named.Prefixes, path)
	}
	return named, nil
}

func (p *Proxy) purgeNow(q *purge.Request, named *store.Purge) *purge.Result {
	here, others := p.store.Purge(named)
	r := &purge.Result{ID: q.ID,
		Nodes: []purge.Node{{Name: p.node.Self(), Purged: here.Responses}}}
	for _, n := range others {
		r.Nodes = append(r.Nodes, purge.Node{Name: n.Node, Purged: n.Responses, Err: n.Err,
			OldUntil: n.OldUntil, CopiesUntil: n.CopiesUntil})
	}
	if p.purged.Add(1); !r.Complete() {
		p.purgedInPart.Add(1)
	}
	p.logPurge(q, r)
	return r
}

// logPurge writes one line on a purge, and one on each node that hasn't acknowledged it.
func (p *Proxy) logPurge(q *purge.Request, r *purge.Result) {
	line, purged := p.cfg.Logger.Info(), 0
	for _, n := range r.Nodes {
		if purged += n.Purged; n.Err != nil {
			p.cfg.Logger.Warn().Str("peer", n.Name).Str("old_until", purge.Until(n.OldUntil)).
				Err(n.Err).Msg("purge not acknowledged")
		}
	}
	lists := []struct {
		name  string
		items []string
	}{{"urls", q.URLs}, {"prefixes", q.Prefixes}, {"groups", q.Groups}}
	for _, list := range lists {
		if len(list.items) > 0 {
			line.Strs(list.name, list.items[:min(len(list.items), 10)])
		}
	}
	if q.ID != "" {
		line.Str("purge_id", q.ID)
	}
	line.Bool("all", q.All).Bool("soft", q.Soft).Int("purged", purged).Msg("purge")
}

// purging has requests with the method PURGE answered, if that is allowed to anyone. No such request
// reaches the origin.
func (p *Proxy) purging(next http.Handler) http.Handler {
	if len(p.cfg.PurgeFrom) == 0 {
		return next
	}
	purges := purge.Func(p.purge).Method(p.cfg.PurgeFrom)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PURGE" {
			purges.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkNetworks returns what is wrong with Config.PurgeFrom.
func checkNetworks(networks []netip.Prefix) error {
	for _, n := range networks {
		if !n.IsValid() {
			return fmt.Errorf("Config.PurgeFrom has the network %s", n)
		}
	}
	return nil
}
