package proxy

import (
	"context"
	"fmt"
	"net/http"

	"github.com/scurrycache/scurry/internal/purge"
	"github.com/scurrycache/scurry/internal/store"
)

// A PurgeRequest is what is purged: URLs, Prefixes and Groups, each a []string, or All of it; with
// Queries and Soft, which are switches, and an ID. A PurgeResult is what has come of that: its ID
// and its Nodes, of which each NodePurge has the Name, how many stored responses were Purged there,
// and an Err if the node hasn't acknowledged, with until when it may serve what was purged.
type (
	PurgeRequest = purge.Request
	PurgeResult  = purge.Result
	NodePurge    = purge.Node
)

// ErrPurgeID is that another purge has had the same ID lately.
var ErrPurgeID = purge.ErrID

// Purge purges what is stored on all nodes, and waits until each has acknowledged that, or can't be
// reached in time; that may take some seconds. Nothing that is on its way brings back what was
// purged, even if the origin sends new content under an old validator. An error means that nothing
// was purged, and says what is wrong with q. Once Purge has begun, the end of ctx doesn't stop it.
func (p *Proxy) Purge(ctx context.Context, q PurgeRequest) (PurgeResult, error) {
	r, err := p.purge(ctx, &q)
	if err != nil {
		return PurgeResult{}, err
	}
	return *r, nil
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

// purging has requests with the method PURGE answered, if that is allowed to anyone. No such
// request reaches the origin.
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
